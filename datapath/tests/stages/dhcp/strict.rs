//! What is believed of a message, and what is not.

use super::*;

#[test]
fn a_checksum_that_the_sender_leaves_to_its_nic_need_not_be_right() {
    let message = bytes(&says(A, MessageType::Discover));
    let mut sent = to_all(A).udp(68, 67, &message);
    sent[40] ^= 0x55;
    let wrong = host().node_sends(A.port, &sent).dropped();
    assert_eq!(wrong, DropReason::DhcpMalformed);
    let partial = Offload {
        transport: TransportChecksum::Partial,
        ..Offload::NONE
    };
    let outcome = host().node_leaves_to_a_device(A.port, &sent, partial);
    assert_eq!(outcome.offloads, [Offload::NONE]);
    heard(outcome);
    sent[40..42].fill(0);
    heard(host().node_sends(A.port, &sent));
}

#[test]
fn a_message_for_another_is_spoofed() {
    let of_g = broadcast(A, &says(G, MessageType::Discover));
    assert_eq!(of_g.dropped(), DropReason::DhcpSpoofed);
    // D and E are behind one port.
    let sent = Frame::between(D.mac, MacAddr::BROADCAST).vlan(VLAN_FRONT);
    let sent = sent.ipv4(NOT_YET, TO_ALL);
    let sent = sent.udp(68, 67, &bytes(&says(E, MessageType::Discover)));
    assert_eq!(
        host().node_sends(D.port, &sent).dropped(),
        DropReason::DhcpSpoofed
    );
}

#[test]
fn what_is_no_clients_message_is_malformed() {
    let good = bytes(&with(says(A, MessageType::Discover), [requested(A.ip)]));
    let malformed = |message: &[u8]| {
        let outcome = host().node_sends(A.port, &to_all(A).udp(68, 67, message));
        assert_eq!(
            outcome.dropped(),
            DropReason::DhcpMalformed,
            "{message:02x?}"
        );
    };
    let end = good.iter().rposition(|byte| *byte == 255).unwrap();
    for len in 0..=end {
        malformed(&good[..len]);
    }
    let changed = |at: usize, to: u8| {
        let mut message = good.clone();
        message[at] = to;
        message
    };
    malformed(&changed(0, 2)); // A server's.
    malformed(&changed(1, 6)); // Of another kind of link.
    malformed(&changed(2, 8));
    malformed(&changed(27, 1)); // Relayed.
    malformed(&changed(239, 0)); // BOOTP.
    let options = |options: &[u8]| [&good[..240], options].concat();
    for wrong in [
        &[255][..],
        &[53, 1, 2, 255],
        &[53, 1, 0, 255],
        &[53, 1, 255, 255],
        &[53, 0, 255],
        &[53, 2, 1, 1, 255],
        &[53, 1, 1, 53, 1, 1, 255],
        &[53, 1, 1, 50, 3, 10, 0, 0, 255],
        &[53, 1, 1, 50, 5, 10, 0, 0, 2, 0, 255],
        &[53, 1, 1, 54, 0, 255],
        &[53, 1, 1, 55, 0, 255],
        &[53, 1, 1, 57, 1, 2, 255],
        &[53, 1, 1, 61, 1, 1, 255],
        &[53, 1, 1, 61, 0, 255],
        &[53, 1, 1, 52, 1, 4, 255],
        &[53, 1, 1, 52, 2, 0, 1, 255],
        // Options in the file, which is all padding and has no end.
        &[53, 1, 1, 52, 1, 1, 255],
    ] {
        malformed(&options(wrong));
    }
    // Longer than what comes back may be.
    let pieces = [
        &[53, 1, 1][..],
        &[&[61, 200][..], &[7; 200]].concat().repeat(2),
    ]
    .concat();
    malformed(&options(&[&pieces[..], &[255]].concat()));
}

#[test]
fn options_may_be_in_pieces_and_in_other_fields() {
    let good = bytes(&says(A, MessageType::Request));
    let mut message = good[..240].to_vec();
    // In the file: the address, the end; in the server's name: the rest of the
    // client's identifier.
    message[108..115].copy_from_slice(&[50, 4, 10, 0, 0, 2, 255]);
    message[44..49].copy_from_slice(&[61, 2, 8, 9, 255]);
    message.extend([53, 1, 3, 61, 2, 1, 7, 52, 1, 3, 255]);
    let sent = to_all(A).udp(68, 67, &message);
    let ack = heard(host().node_sends(A.port, &sent));
    assert_eq!(ack.kind(), MessageType::Ack);
    let whole = DhcpOption::ClientIdentifier(vec![1, 7, 8, 9]);
    assert_eq!(ack.option(OptionCode::ClientIdentifier), Some(&whole));
}

#[test]
fn a_message_in_several_buffers_is_not_read() {
    let sent = to_all(A).udp(68, 67, &bytes(&says(A, MessageType::Discover)));
    let chain = HeapBuf::chain(&sent, 100);
    let outcome = host().one(Way::Node, PortId(A.port), chain);
    assert_eq!(outcome.dropped(), DropReason::NotContiguous);
}

#[test]
fn an_answer_needs_room() {
    let sent = to_all(A).udp(68, 67, &bytes(&says(A, MessageType::Discover)));
    let mut small = HeapBuf::with_capacity(128 + sent.len());
    small.append(sent.len()).unwrap();
    small.data_mut().copy_from_slice(&sent);
    let outcome = host().one(Way::Node, PortId(A.port), small);
    assert_eq!(outcome.dropped(), DropReason::NoHeadroom);
}

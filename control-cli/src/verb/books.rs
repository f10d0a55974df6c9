//! `books`: where every packet went, and whether the numbers add up.

use core::time::Duration;
use std::time::Instant;

use clap::Args;
use control_api::v1;
use schemars::JsonSchema;
use serde::Serialize;

use crate::failure::Failure;
use crate::session::Session;
use crate::table::{Column, number, table, words};
use crate::text::{grouped, signed};
use crate::wire::{self, Segment, segment_cells};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Ask again until the books balance, for at most so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    within: u32,
}

pub(super) async fn show(options: &Options, session: &mut Session<'_>) -> Result<(), Failure> {
    let mut client = session.connect().await?;
    let until = Instant::now() + Duration::from_secs(options.within.into());
    let books = loop {
        let reply = client.verbs().books(v1::BooksRequest {}).await?;
        let books = Books::try_from(reply.into_inner())?;
        if books.balanced || Instant::now() >= until {
            break books;
        }
        tokio::time::sleep(PAUSE).await;
    };
    session.show(&books, text)?;
    if books.balanced {
        Ok(())
    } else {
        Err(Failure::Negative)
    }
}

/// The books. A `difference` is what went in and never came out: packets
/// unaccounted for if positive, counted twice if negative.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Books {
    /// All differences are 0.
    balanced: bool,
    /// What came in, per port and segment.
    inputs: Vec<Input>,
    /// What went out, per port.
    outputs: Vec<Output>,
    /// The daemon as a whole.
    whole: Whole,
}

/// What came in on a port, in packets: received + extra_fragments + copies =
/// forwarded + answered + punted + held + dropped.
#[derive(Debug, Serialize, JsonSchema)]
struct Input {
    /// The input port.
    port: String,
    /// The segment; null: packets that were never placed in one.
    segment: Option<Segment>,
    /// Packets received.
    received: u64,
    /// Pieces beyond the first of packets that were cut.
    extra_fragments: u64,
    /// Copies beyond the first of packets to many.
    copies: u64,
    /// Passed on to an output port; pieces and copies count each for itself.
    forwarded: u64,
    /// Consumed by an answer made here.
    answered: u64,
    /// Consumed by the slow path.
    punted: u64,
    /// Waiting for a mapping or a neighbour.
    held: u64,
    /// Dropped, for any reason.
    dropped: u64,
    /// What does not add up.
    difference: i128,
}

/// What went out on a port, in packets: offered = sent + tx_dropped.
#[derive(Debug, Serialize, JsonSchema)]
struct Output {
    /// The output port.
    port: String,
    /// Given to the port.
    offered: u64,
    /// Taken by its device.
    sent: u64,
    /// Not taken, or not sent.
    tx_dropped: u64,
    /// What does not add up.
    difference: i128,
}

/// The daemon as a whole, in packets: received + generated + copies +
/// extra_fragments = sent + consumed + held + dropped.
#[derive(Debug, Serialize, JsonSchema)]
struct Whole {
    /// Received on all ports.
    received: u64,
    /// Made here: answers, neighbour discovery, errors.
    generated: u64,
    /// Copies beyond the first of packets to many.
    copies: u64,
    /// Pieces beyond the first of packets that were cut.
    extra_fragments: u64,
    /// Taken by the devices.
    sent: u64,
    /// Ended here: answered or punted.
    consumed: u64,
    /// Waiting for a mapping or a neighbour.
    held: u64,
    /// Dropped, transmit drops included.
    dropped: u64,
    /// What does not add up.
    difference: i128,
}

impl TryFrom<v1::BooksReply> for Books {
    type Error = Failure;

    fn try_from(reply: v1::BooksReply) -> Result<Self, Failure> {
        let whole = reply
            .whole
            .ok_or_else(|| Failure::Malformed("books without the whole".to_owned()))?;
        let inputs: Vec<Input> = reply
            .inputs
            .into_iter()
            .map(Input::try_from)
            .collect::<Result<_, _>>()?;
        let outputs: Vec<Output> = reply.outputs.into_iter().map(Output::from).collect();
        let whole = Whole::from(whole);
        let balanced = inputs.iter().all(|i| i.difference == 0)
            && outputs.iter().all(|o| o.difference == 0)
            && whole.difference == 0;
        Ok(Self {
            balanced,
            inputs,
            outputs,
            whole,
        })
    }
}

impl TryFrom<v1::InputBook> for Input {
    type Error = Failure;

    fn try_from(b: v1::InputBook) -> Result<Self, Failure> {
        let out = [b.forwarded, b.answered, b.punted, b.held, b.dropped];
        Ok(Self {
            difference: difference(&[b.received, b.extra_fragments, b.copies], &out),
            segment: wire::optional_segment(b.segment)?,
            port: b.port,
            received: b.received,
            extra_fragments: b.extra_fragments,
            copies: b.copies,
            forwarded: b.forwarded,
            answered: b.answered,
            punted: b.punted,
            held: b.held,
            dropped: b.dropped,
        })
    }
}

impl From<v1::OutputBook> for Output {
    fn from(b: v1::OutputBook) -> Self {
        Self {
            difference: difference(&[b.offered], &[b.sent, b.tx_dropped]),
            port: b.port,
            offered: b.offered,
            sent: b.sent,
            tx_dropped: b.tx_dropped,
        }
    }
}

impl From<v1::WholeBook> for Whole {
    fn from(b: v1::WholeBook) -> Self {
        let into = [b.received, b.generated, b.copies, b.extra_fragments];
        Self {
            difference: difference(&into, &[b.sent, b.consumed, b.held, b.dropped]),
            received: b.received,
            generated: b.generated,
            copies: b.copies,
            extra_fragments: b.extra_fragments,
            sent: b.sent,
            consumed: b.consumed,
            held: b.held,
            dropped: b.dropped,
        }
    }
}

fn difference(into: &[u64], out: &[u64]) -> i128 {
    let sum = |side: &[u64]| side.iter().copied().map(i128::from).sum::<i128>();
    sum(into) - sum(out)
}

fn text(books: &Books) -> String {
    let inputs: Vec<Vec<String>> = books.inputs.iter().map(input_cells).collect();
    let outputs: Vec<Vec<String>> = books.outputs.iter().map(output_cells).collect();
    let verdict = match books.balanced {
        true => "the books balance",
        false => "the books do not balance: see the differences",
    };
    format!(
        "{}\n{}\n{}\n{verdict}\n",
        table(INPUT_COLUMNS, &inputs),
        table(OUTPUT_COLUMNS, &outputs),
        table(WHOLE_COLUMNS, &[whole_cells(&books.whole)])
    )
}

const INPUT_COLUMNS: &[Column] = {
    let [segment, network, entity] = Segment::COLUMNS;
    &[
        words("input"),
        segment,
        network,
        entity,
        number("received"),
        number("+ extra"),
        number("+ copies"),
        number("= forwarded"),
        number("+ answered"),
        number("+ punted"),
        number("+ held"),
        number("+ dropped"),
        number("difference"),
    ]
};

fn input_cells(b: &Input) -> Vec<String> {
    let [segment, network, entity] = segment_cells(b.segment.as_ref());
    let mut cells = vec![b.port.clone(), segment, network, entity];
    let numbers = [
        b.received,
        b.extra_fragments,
        b.copies,
        b.forwarded,
        b.answered,
        b.punted,
        b.held,
        b.dropped,
    ];
    cells.extend(numbers.map(grouped));
    cells.push(signed(b.difference));
    cells
}

const OUTPUT_COLUMNS: &[Column] = &[
    words("output"),
    number("offered"),
    number("= sent"),
    number("+ tx dropped"),
    number("difference"),
];

fn output_cells(b: &Output) -> Vec<String> {
    let mut cells = vec![b.port.clone()];
    cells.extend([b.offered, b.sent, b.tx_dropped].map(grouped));
    cells.push(signed(b.difference));
    cells
}

const WHOLE_COLUMNS: &[Column] = &[
    words("whole"),
    number("received"),
    number("+ generated"),
    number("+ copies"),
    number("+ extra fragments"),
    number("= sent"),
    number("+ consumed"),
    number("+ held"),
    number("+ dropped"),
    number("difference"),
];

fn whole_cells(b: &Whole) -> Vec<String> {
    let mut cells = vec!["vswitch".to_owned()];
    let numbers = [
        b.received,
        b.generated,
        b.copies,
        b.extra_fragments,
        b.sent,
        b.consumed,
        b.held,
        b.dropped,
    ];
    cells.extend(numbers.map(grouped));
    cells.push(signed(b.difference));
    cells
}

const PAUSE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    fn reply() -> v1::BooksReply {
        v1::BooksReply {
            inputs: vec![v1::InputBook {
                port: "vm-a".to_owned(),
                received: 12,
                extra_fragments: 1,
                copies: 2,
                forwarded: 5,
                answered: 4,
                punted: 3,
                held: 2,
                dropped: 1,
                ..Default::default()
            }],
            outputs: vec![v1::OutputBook {
                port: "uplink0".to_owned(),
                offered: 9,
                sent: 7,
                tx_dropped: 2,
            }],
            whole: Some(v1::WholeBook {
                received: 15,
                generated: 4,
                copies: 2,
                extra_fragments: 1,
                sent: 9,
                consumed: 7,
                held: 2,
                dropped: 4,
            }),
        }
    }

    #[test]
    fn each_line_is_added_up_by_itself() {
        assert!(Books::try_from(reply()).unwrap().balanced);

        let mut lost = reply();
        lost.inputs[0].received += 1;
        let lost = Books::try_from(lost).unwrap();
        assert!(!lost.balanced);
        assert_eq!(lost.inputs[0].difference, 1);

        let mut twice = reply();
        twice.outputs[0].sent += 1;
        let twice = Books::try_from(twice).unwrap();
        assert!(!twice.balanced);
        assert_eq!(twice.outputs[0].difference, -1);

        let mut whole = reply();
        whole.whole.as_mut().unwrap().copies -= 1;
        let whole = Books::try_from(whole).unwrap();
        assert!(!whole.balanced);
        assert_eq!(whole.whole.difference, -1);
    }

    #[test]
    fn sums_beyond_64_bits_are_still_right() {
        assert_eq!(difference(&[u64::MAX; 3], &[u64::MAX; 2]), u64::MAX.into());
    }
}

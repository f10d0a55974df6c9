//! One packet socket of the kernel, and the interface it is bound to.
//!
//! All system calls of this kind of port are here.

use core::ffi::{CStr, c_char, c_int, c_ulong};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use packet::MacAddr;

/// A packet socket. Until [`Socket::bind`] it receives nothing.
#[derive(Debug)]
pub(super) struct Socket(OwnedFd);

/// What receives nothing at all: a classic BPF program that takes 0 bytes of
/// every frame.
const DEAF: [libc::sock_filter; 1] = [libc::sock_filter {
    code: short((libc::BPF_RET | libc::BPF_K).cast_signed()),
    jt: 0,
    jf: 0,
    k: 0,
}];

impl Socket {
    /// A socket in the calling thread's network namespace, with the header
    /// before each frame and what it needs to know of VLAN tags, that does not
    /// hear what its own host sends.
    pub(super) fn new() -> io::Result<Self> {
        let kind = libc::SOCK_RAW | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
        // Protocol 0: no frames before it is bound, of whichever interface.
        // SAFETY: takes integers only.
        let fd = unsafe { libc::socket(libc::AF_PACKET, kind, 0) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: a descriptor that was opened just now, and nobody else has.
        let socket = Self(unsafe { OwnedFd::from_raw_fd(fd) });
        for option in [
            libc::PACKET_VNET_HDR,
            libc::PACKET_AUXDATA,
            libc::PACKET_IGNORE_OUTGOING,
        ] {
            socket.set(libc::SOL_PACKET, option, &1)?;
        }
        Ok(socket)
    }

    /// Room for `receive` and `send` bytes of frames, with what the kernel
    /// keeps of each; without the capability for it, as much as anyone may have.
    pub(super) fn make_room(&self, receive: c_int, send: c_int) -> io::Result<()> {
        for (forced, ordinary, bytes) in [
            (libc::SO_RCVBUFFORCE, libc::SO_RCVBUF, receive),
            (libc::SO_SNDBUFFORCE, libc::SO_SNDBUF, send),
        ] {
            if self.set(libc::SOL_SOCKET, forced, &bytes).is_err() {
                self.set(libc::SOL_SOCKET, ordinary, &bytes)?;
            }
        }
        Ok(())
    }

    /// Receives frames for every MAC, while this socket lives.
    pub(super) fn receive_everything(&self, interface: c_int) -> io::Result<()> {
        let membership = libc::packet_mreq {
            mr_ifindex: interface,
            mr_type: short(libc::PACKET_MR_PROMISC),
            mr_alen: 0,
            mr_address: [0; 8],
        };
        self.set(libc::SOL_PACKET, libc::PACKET_ADD_MEMBERSHIP, &membership)
    }

    /// Receives nothing until [`Socket::unmute`].
    pub(super) fn mute(&self) -> io::Result<()> {
        let mut program = DEAF;
        let program = libc::sock_fprog {
            len: 1,
            filter: program.as_mut_ptr(),
        };
        self.set(libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &program)
    }

    pub(super) fn unmute(&self) -> io::Result<()> {
        self.set(libc::SOL_SOCKET, libc::SO_DETACH_FILTER, &0)
    }

    /// Receives from this interface, and from no other.
    pub(super) fn bind(&self, interface: c_int) -> io::Result<()> {
        // SAFETY: plain integers, for which zeros are valid.
        let mut address: libc::sockaddr_ll = unsafe { core::mem::zeroed() };
        address.sll_family = short(libc::AF_PACKET);
        address.sll_protocol = short(libc::ETH_P_ALL).to_be();
        address.sll_ifindex = interface;
        // SAFETY: the address lives during the call, and its length is right.
        let status = unsafe {
            libc::bind(
                self.0.as_raw_fd(),
                (&raw const address).cast(),
                len_of::<libc::sockaddr_ll>(),
            )
        };
        checked(status).map(drop)
    }

    /// Makes a group that shares the interface's frames, each flow to one
    /// member; its number. Fragments are passed as they are.
    pub(super) fn make_group(&self) -> io::Result<u16> {
        let kind = libc::PACKET_FANOUT_HASH | libc::PACKET_FANOUT_FLAG_UNIQUEID;
        self.set(libc::SOL_PACKET, libc::PACKET_FANOUT, &(kind << 16))?;
        let mut group: c_int = 0;
        self.get(libc::PACKET_FANOUT, &mut group)?;
        // The lower half; the upper one is the kind.
        let [a, b, _, _] = group.to_le_bytes();
        Ok(u16::from_le_bytes([a, b]))
    }

    /// Joins another socket's group.
    pub(super) fn join_group(&self, group: u16) -> io::Result<()> {
        let word = u32::from(group) | libc::PACKET_FANOUT_HASH << 16;
        self.set(libc::SOL_PACKET, libc::PACKET_FANOUT, &word)
    }

    /// Frames that found no room, since the last time this was asked.
    pub(super) fn take_drops(&self) -> io::Result<u64> {
        let mut stats = libc::tpacket_stats {
            tp_packets: 0,
            tp_drops: 0,
        };
        self.get(libc::PACKET_STATISTICS, &mut stats)?;
        Ok(stats.tp_drops.into())
    }

    /// Receives into `messages` what is there, at most one frame into each;
    /// how many.
    ///
    /// # Safety
    /// Each message points to memory that may be written as it says, and that
    /// nobody else uses during the call.
    pub(super) unsafe fn receive(&self, messages: &mut [libc::mmsghdr]) -> io::Result<usize> {
        let count = u32::try_from(messages.len()).unwrap_or(u32::MAX);
        // SAFETY: the caller's promise; `count` is the slice's length.
        let received = unsafe {
            libc::recvmmsg(
                self.0.as_raw_fd(),
                messages.as_mut_ptr(),
                count,
                libc::MSG_DONTWAIT,
                core::ptr::null_mut(),
            )
        };
        checked(received).map(|count| usize::try_from(count).unwrap_or(0))
    }

    /// Sends the frames of `messages`, from the front, until one cannot be sent;
    /// how many. The error is the first one's.
    ///
    /// # Safety
    /// Each message points to memory that may be read as it says, and that
    /// nobody writes during the call.
    pub(super) unsafe fn send(&self, messages: &mut [libc::mmsghdr]) -> io::Result<usize> {
        let count = u32::try_from(messages.len()).unwrap_or(u32::MAX);
        // SAFETY: the caller's promise; `count` is the slice's length.
        let sent = unsafe {
            libc::sendmmsg(
                self.0.as_raw_fd(),
                messages.as_mut_ptr(),
                count,
                libc::MSG_DONTWAIT,
            )
        };
        checked(sent).map(|count| usize::try_from(count).unwrap_or(0))
    }

    fn set<T>(&self, level: c_int, option: c_int, value: &T) -> io::Result<()> {
        // SAFETY: `value` lives during the call, and is as long as said; options
        // that hold a pointer (`mute`) point to what lives in the caller.
        let status = unsafe {
            libc::setsockopt(
                self.0.as_raw_fd(),
                level,
                option,
                (&raw const *value).cast(),
                len_of::<T>(),
            )
        };
        checked(status).map(drop)
    }

    /// `T` is made of integers, any of whose bytes the kernel may write.
    fn get<T: Copy>(&self, option: c_int, value: &mut T) -> io::Result<()> {
        let mut len = len_of::<T>();
        // SAFETY: `value` lives during the call, and is as long as said.
        let status = unsafe {
            libc::getsockopt(
                self.0.as_raw_fd(),
                libc::SOL_PACKET,
                option,
                (&raw mut *value).cast(),
                &raw mut len,
            )
        };
        checked(status).map(drop)
    }

    /// The interface of this name, in the socket's network namespace.
    pub(super) fn interface(&self, name: &str) -> io::Result<Interface<'_>> {
        let mut request = Request::named(name)?;
        self.ask(libc::SIOCGIFINDEX, &mut request)?;
        // SAFETY: the kernel has written this member.
        let index = unsafe { request.0.ifr_ifru.ifru_ifindex };
        Ok(Interface {
            socket: self,
            index,
        })
    }

    /// The interface of this number.
    pub(super) fn interface_of(&self, index: c_int) -> Interface<'_> {
        Interface {
            socket: self,
            index,
        }
    }

    fn ask(&self, what: c_ulong, request: &mut Request) -> io::Result<()> {
        // SAFETY: `what` is one of the requests here, all of which read and
        // write one `ifreq`, which lives during the call.
        checked(unsafe { libc::ioctl(self.0.as_raw_fd(), what, &raw mut request.0) }).map(drop)
    }
}

/// A network interface, as its socket's network namespace has it: by number,
/// so that it may be renamed.
pub(super) struct Interface<'socket> {
    socket: &'socket Socket,
    pub(super) index: c_int,
}

struct Request(libc::ifreq);

impl Request {
    fn new() -> Self {
        // SAFETY: bytes, and a union of integers and a pointer that nobody
        // follows: zeros are valid.
        Self(unsafe { core::mem::zeroed() })
    }

    fn named(name: &str) -> io::Result<Self> {
        let mut request = Self::new();
        // One byte is for the NUL.
        if name.is_empty() || name.len() >= libc::IFNAMSIZ || name.contains('\0') {
            return Err(io::Error::from_raw_os_error(libc::ENODEV));
        }
        for (to, from) in request.0.ifr_name.iter_mut().zip(name.bytes()) {
            *to = c_char::from_ne_bytes([from]);
        }
        Ok(request)
    }
}

impl Interface<'_> {
    /// A request that names the interface as it is named now.
    fn request(&self) -> io::Result<Request> {
        let mut request = Request::new();
        request.0.ifr_ifru.ifru_ifindex = self.index;
        self.socket.ask(libc::SIOCGIFNAME, &mut request)?;
        Ok(request)
    }

    fn asked(&self, what: c_ulong) -> io::Result<Request> {
        let mut request = self.request()?;
        self.socket.ask(what, &mut request)?;
        Ok(request)
    }

    /// Its hardware's type (`ARPHRD_*`) and MAC.
    pub(super) fn hardware(&self) -> io::Result<(u16, MacAddr)> {
        let request = self.asked(libc::SIOCGIFHWADDR)?;
        // SAFETY: the kernel has written this member.
        let address = unsafe { request.0.ifr_ifru.ifru_hwaddr };
        let bytes = address.sa_data.map(|char| char.to_ne_bytes()[0]);
        let [a, b, c, d, e, f, ..] = bytes;
        Ok((address.sa_family, MacAddr::new([a, b, c, d, e, f])))
    }

    /// The largest payload of its frames, in bytes.
    pub(super) fn mtu(&self) -> io::Result<u32> {
        let request = self.asked(libc::SIOCGIFMTU)?;
        // SAFETY: the kernel has written this member.
        let mtu = unsafe { request.0.ifr_ifru.ifru_mtu };
        Ok(u32::try_from(mtu).unwrap_or(0))
    }

    pub(super) fn set_mtu(&self, mtu: u16) -> io::Result<()> {
        let mut request = self.request()?;
        request.0.ifr_ifru.ifru_mtu = mtu.into();
        self.socket.ask(libc::SIOCSIFMTU, &mut request)
    }

    /// Can frames pass?
    pub(super) fn is_up(&self) -> io::Result<bool> {
        let request = self.asked(libc::SIOCGIFFLAGS)?;
        // SAFETY: the kernel has written this member.
        let flags = c_int::from(unsafe { request.0.ifr_ifru.ifru_flags });
        Ok(flags & libc::IFF_RUNNING != 0)
    }

    /// Its name now.
    pub(super) fn name(&self) -> io::Result<String> {
        let request = self.request()?;
        let bytes = request.0.ifr_name.map(|char| char.to_ne_bytes()[0]);
        let name = CStr::from_bytes_until_nul(&bytes).unwrap_or_default();
        Ok(name.to_string_lossy().into_owned())
    }
}

/// The kernel's constants are wider than its fields for them.
#[expect(clippy::cast_possible_truncation, reason = "for constants that fit")]
#[expect(clippy::cast_sign_loss, reason = "for constants that fit")]
const fn short(constant: c_int) -> u16 {
    constant as u16
}

#[expect(clippy::cast_possible_truncation, reason = "structures of a few bytes")]
const fn len_of<T>() -> libc::socklen_t {
    size_of::<T>() as libc::socklen_t
}

fn checked(status: c_int) -> io::Result<c_int> {
    if status < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(status)
}

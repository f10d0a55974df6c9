//! `port add NAME`: adds a port while the vswitch runs.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use control_api::v1;
use schemars::JsonSchema;
use serde::Serialize;

use crate::failure::Failure;
use crate::request::{fresh_id, until_answered};
use crate::session::Session;

pub(crate) const HELP: &str = "\
Examples:
  vswitchctl port add vm-b --vhost /run/vswitch/vm-b.sock
  vswitchctl port add site --af-packet eth1 --queues 2 --mtu 9000
  vswitchctl port add vm-c --vhost /run/vm-c.sock --client

The kinds are those of `ports` in the configuration: see docs/configuration.md";

/// What to add: the keys of an entry of the configuration's `ports`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The port's name, unique on this host
    name: String,
    #[command(flatten)]
    device: Device,
    /// With --vhost: the virtual machine makes the socket
    #[arg(long, conflicts_with_all = OTHER_THAN_VHOST)]
    client: bool,
    /// With --memif: who makes the socket
    #[arg(long, value_enum, value_name = "ROLE", conflicts_with_all = OTHER_THAN_MEMIF)]
    memif_role: Option<MemifRole>,
    /// With --memif: tells interfaces on one socket apart
    #[arg(long, value_name = "NUMBER", conflicts_with_all = OTHER_THAN_MEMIF)]
    memif_id: Option<u32>,
    /// Receive and transmit queues, each
    #[arg(long, value_name = "NUMBER")]
    queues: Option<u16>,
    /// The largest IP packet, in bytes
    #[arg(long, value_name = "BYTES")]
    mtu: Option<u16>,
    /// Ring size of each queue, a power of two
    #[arg(long, value_name = "NUMBER")]
    descriptors: Option<u16>,
}

/// What options of one kind do not go with. (To require that kind is not
/// enough: among alternatives, clap lets it pass.)
const OTHER_THAN_VHOST: [&str; 8] = [
    "tap",
    "af_packet",
    "af_xdp",
    "pci",
    "memif",
    "devargs",
    "pcap",
    "memory",
];
const OTHER_THAN_MEMIF: [&str; 8] = [
    "vhost",
    "tap",
    "af_packet",
    "af_xdp",
    "pci",
    "devargs",
    "pcap",
    "memory",
];

/// The one device that the port is.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Device {
    /// A virtual machine (vhost-user): the socket's path
    #[arg(long, value_name = "PATH")]
    vhost: Option<PathBuf>,
    /// A tap interface that the port makes
    #[arg(long, value_name = "INTERFACE")]
    tap: Option<String>,
    /// An existing kernel interface, through packet sockets
    #[arg(long, value_name = "INTERFACE")]
    af_packet: Option<String>,
    /// An existing kernel interface, through AF_XDP
    #[arg(long, value_name = "INTERFACE")]
    af_xdp: Option<String>,
    /// A NIC, by PCI address
    #[arg(long, value_name = "ADDRESS")]
    pci: Option<String>,
    /// Shared memory with another process: the socket's path
    #[arg(long, value_name = "PATH")]
    memif: Option<PathBuf>,
    /// Any DPDK device in DPDK's words
    #[arg(long, value_name = "TEXT")]
    devargs: Option<String>,
    /// Capture files: one to receive from, one to send to
    #[arg(long, value_names = ["RECEIVE", "TRANSMIT"], num_args = 2)]
    pcap: Option<Vec<PathBuf>>,
    /// Queues inside the process
    #[arg(long)]
    memory: bool,
}

/// Who makes a memif's socket.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum MemifRole {
    /// The port does
    Server,
    /// Its peer does
    Client,
}

pub(super) async fn run(options: &Options, session: &mut Session<'_>) -> Result<(), Failure> {
    let request = v1::AddPortRequest {
        port: Entry::of(options)?.to_yaml()?,
        request_id: fresh_id(),
    };
    let attempt = async || {
        let mut client = session.connect().await?;
        Ok(client.verbs().add_port(request.clone()).await?.into_inner())
    };
    let reply = until_answered(attempt).await?;
    let added = Added {
        port: reply.name,
        revision: reply.revision,
        durable: reply.durable,
    };
    session.show(&added, |added| {
        let Added { port, revision, .. } = added;
        format!(
            "port {port} added as revision {revision}{}\n",
            kept(added.durable)
        )
    })
}

/// What to say of a change that a restart undoes.
pub(super) fn kept(durable: bool) -> &'static str {
    match durable {
        true => "",
        false => "; a restart undoes it: change the configuration's ports too",
    }
}

/// A port that was added.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::verb) struct Added {
    /// Its name.
    port: String,
    /// The revision that it made.
    revision: u64,
    /// It survives a restart of the daemon.
    durable: bool,
}

/// An entry of the configuration's `ports`.
#[derive(Debug, Default, Serialize)]
struct Entry<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    vhost: Option<Vhost>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tap: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    af_packet: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    af_xdp: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pci: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memif: Option<Memif>,
    #[serde(skip_serializing_if = "Option::is_none")]
    devargs: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pcap: Option<Pcap>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    queues: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mtu: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    descriptors: Option<u16>,
}

#[derive(Debug, Serialize)]
struct Vhost {
    path: String,
    client: bool,
}

#[derive(Debug, Serialize)]
struct Memif {
    socket: String,
    role: &'static str,
    id: u32,
}

#[derive(Debug, Serialize)]
struct Pcap {
    receive: String,
    transmit: String,
}

impl<'a> Entry<'a> {
    fn of(options: &'a Options) -> Result<Self, Failure> {
        let device = &options.device;
        let vhost = device.vhost.as_deref().map(from_here).transpose()?;
        let memif = device.memif.as_deref().map(from_here).transpose()?;
        let pcap = match device.pcap.as_deref() {
            Some([receive, transmit]) => Some(Pcap {
                receive: from_here(receive)?,
                transmit: from_here(transmit)?,
            }),
            _ => None,
        };
        Ok(Self {
            name: &options.name,
            vhost: vhost.map(|path| Vhost {
                path,
                client: options.client,
            }),
            tap: device.tap.as_deref(),
            af_packet: device.af_packet.as_deref(),
            af_xdp: device.af_xdp.as_deref(),
            pci: device.pci.as_deref(),
            memif: memif.map(|socket| Memif {
                socket,
                role: match options.memif_role {
                    Some(MemifRole::Client) => "client",
                    _ => "server",
                },
                id: options.memif_id.unwrap_or_default(),
            }),
            devargs: device.devargs.as_deref(),
            pcap,
            memory: device.memory.then_some(true),
            queues: options.queues,
            mtu: options.mtu,
            descriptors: options.descriptors,
        })
    }

    /// As JSON, which YAML 1.2 contains: every text is quoted.
    fn to_yaml(&self) -> Result<String, Failure> {
        serde_json::to_string(self).map_err(|error| Failure::File(error.to_string()))
    }
}

/// A path as seen from this directory, which the daemon does not know.
fn from_here(path: &Path) -> Result<String, Failure> {
    let unusable = |why: String| Failure::File(format!("cannot use {}: {why}", path.display()));
    let absolute = std::path::absolute(path).map_err(|error| unusable(error.to_string()))?;
    let text = absolute.into_os_string().into_string();
    text.map_err(|_| unusable("a path must be UTF-8; name another".to_owned()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use clap::Parser as _;
    use vnet::diagnostic::Diagnostics;
    use vnet::yaml::Value;

    use super::*;

    #[derive(Debug, clap::Parser)]
    struct Typed {
        #[command(flatten)]
        options: Options,
    }

    fn yaml(arguments: &[&str]) -> String {
        let typed = Typed::try_parse_from([&["add"], arguments].concat()).unwrap();
        Entry::of(&typed.options).unwrap().to_yaml().unwrap()
    }

    #[test]
    fn every_kind_of_port_has_its_entry() {
        let entries: [(&[&str], &str); 9] = [
            (
                &["--vhost", "/run/b.sock", "--client"],
                r#""vhost":{"path":"/run/b.sock","client":true}"#,
            ),
            (
                &["--tap", "t0", "--mtu", "9000"],
                r#""tap":"t0","mtu":9000"#,
            ),
            (
                &["--af-packet", "eth1", "--queues", "2"],
                r#""af_packet":"eth1","queues":2"#,
            ),
            (&["--af-xdp", "eth1"], r#""af_xdp":"eth1""#),
            (
                &["--pci", "0000:3b:00.0", "--descriptors", "512"],
                r#""pci":"0000:3b:00.0","descriptors":512"#,
            ),
            (
                &["--memif", "/m", "--memif-role", "client", "--memif-id", "3"],
                r#""memif":{"socket":"/m","role":"client","id":3}"#,
            ),
            (&["--devargs", "net_ring0"], r#""devargs":"net_ring0""#),
            (
                &["--pcap", "/in", "/out"],
                r#""pcap":{"receive":"/in","transmit":"/out"}"#,
            ),
            (&["--memory"], r#""memory":true"#),
        ];
        for (arguments, keys) in entries {
            let expected = format!(r#"{{"name":"p",{keys}}}"#);
            assert_eq!(yaml(&[&["p"], arguments].concat()), expected);
        }
    }

    #[test]
    fn exactly_one_device_is_named() {
        let refused = |arguments: &[&str]| {
            let typed = Typed::try_parse_from([&["add", "p"], arguments].concat());
            assert!(typed.is_err(), "{arguments:?}");
        };
        refused(&[]);
        refused(&["--tap", "t0", "--pci", "0000:3b:00.0"]);
        refused(&["--tap", "t0", "--client"]);
        refused(&["--memif-id", "3", "--tap", "t0"]);
    }

    /// Whatever is typed arrives as that text, and as nothing else.
    #[test]
    fn nothing_that_is_typed_breaks_out_of_its_quotes() {
        for nasty in [
            "x, memory: true",
            "\"} - {",
            "'",
            "a: b",
            "# no comment",
            "true",
            "1e3",
            "~",
            "back\\slash",
            "new\nline",
            "\u{e9}\u{2028}",
        ] {
            let text = yaml(&["p", "--devargs", nasty]);
            let file: Arc<Path> = Path::new("port").into();
            let mut out = Diagnostics::default();
            let node = vnet::yaml::tree::read(&file, &text, &mut out).unwrap();
            let Value::Map(entries) = &node.value else {
                panic!("{node:?}");
            };
            assert_eq!(entries.len(), 2, "{text}");
            let read = format!("{:?}", entries[1]);
            assert!(read.contains(&format!("{nasty:?}")), "{read}");
        }
    }

    #[test]
    fn paths_are_seen_from_here() {
        let path = from_here(Path::new("b.sock")).unwrap();
        let here = std::env::current_dir().unwrap();
        assert_eq!(Path::new(&path), here.join("b.sock"));
    }
}

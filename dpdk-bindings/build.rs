//! Finds DPDK, generates the bindings, compiles the shim, and says what to link.
//!
//! DPDK is linked statically with hand-picked drivers: the daemon then needs no
//! DPDK package at run time, and thread-local accesses cost no call. Drivers
//! announce themselves in constructors, so their archives must be linked whole.

#![allow(
    clippy::disallowed_macros,
    clippy::expect_used,
    reason = "build scripts speak to cargo through their output, and end by panicking"
)]

use std::collections::BTreeSet;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Buses, mempool handlers and drivers of ports that are software.
const VIRTUAL: &[&str] = &[
    "bus_vdev",
    "bus_pci",
    "mempool_ring",
    "net_af_packet",
    "net_af_xdp",
    "net_memif",
    "net_null",
    "net_pcap",
    "net_ring",
    "net_tap",
    "net_vhost",
    "net_virtio",
];

/// Drivers of NICs, physical or given by a cloud.
const PHYSICAL: &[&str] = &[
    "net_bnxt",
    "net_e1000",
    "net_ena",
    "net_enic",
    "net_gve",
    "net_i40e",
    "net_iavf",
    "net_ice",
    "net_igc",
    "net_ixgbe",
    "net_vmxnet3",
];

/// The memif driver's archive after `guard_memif`.
const GUARDED_MEMIF: &str = "vs_net_memif";

/// What of the memif driver's calls goes to the shim instead.
const GUARDED_CALLS: [(&str, &str); 3] = [
    ("memif_free_regions", "vs_memif_free_regions"),
    ("rte_intr_callback_register", "vs_memif_hear"),
    ("rte_intr_instance_free", "vs_memif_free_handle"),
];

const MLX5: &[&str] = &["bus_auxiliary", "common_mlx5", "net_mlx5"];

/// System libraries that the drivers above may need; of these, those that
/// pkg-config names are offered to the linker, which keeps what is used.
const SYSTEM: &[&str] = &[
    "bpf", "bsd", "crypto", "elf", "fdt", "jansson", "md", "numa", "pcap", "xdp", "z",
];

const SYSTEM_MLX5: &[&str] = &["ibverbs", "mlx5"];

/// Functions and variables that the safe layer uses.
const ALLOWED: &[&str] = &[
    "vs_.*",
    "rte_eal_init",
    "rte_dev_probe",
    "rte_devargs_parse",
    "rte_devargs_reset",
    "rte_eth_call_rx_callbacks",
    "rte_eth_call_tx_callbacks",
    "rte_eth_dev_(set_mtu|get_mtu|get_port_by_name|is_valid_port|count_avail)",
    "rte_eth_(promiscuous|allmulticast)_(enable|disable|get)",
    "rte_eth_stats_(get|reset)",
    "rte_hash_(create|free|add_key_data|del_key|lookup_bulk_data)",
    "rte_mempool_(avail|in_use)_count",
    "rte_pktmbuf_pool_create",
    "rte_thread_(un)?register",
    "rte_log_set_global_level",
    "rte_version",
];

fn main() {
    for file in ["build.rs", "shim/shim.h", "shim/shim.c"] {
        println!("cargo:rerun-if-changed={file}");
    }
    for variable in ["PKG_CONFIG", "PKG_CONFIG_PATH"] {
        println!("cargo:rerun-if-env-changed={variable}");
    }

    let cflags = pkg_config(&["--cflags", "libdpdk"]);
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    generate(&cflags, &out);
    let libdir = PathBuf::from(pkg_config(&["--variable=libdir", "libdpdk"]).concat());
    // Another release in the same place must not meet old bindings. Packaged
    // files are dated by their packagers, the folder by its last change.
    let drivers = libdir.join("dpdk");
    if drivers.exists() {
        println!("cargo:rerun-if-changed={}", drivers.display());
    }
    let memif = guard_memif(&libdir, &out);
    compile(&cflags, memif);
    link(&libdir, &out, memif);
}

fn pkg_config(arguments: &[&str]) -> Vec<String> {
    let program = env::var("PKG_CONFIG").unwrap_or_else(|_| "pkg-config".to_owned());
    let output = match Command::new(&program).args(arguments).output() {
        Ok(output) => output,
        Err(error) => {
            panic!("cannot run {program}: {error}; on Debian: apt-get install pkg-config")
        }
    };
    assert!(
        output.status.success(),
        "pkg-config does not find DPDK; on Debian: apt-get install libdpdk-dev libclang-dev, \
         or set PKG_CONFIG_PATH to where libdpdk.pc is.\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout)
        .split_whitespace()
        .map(str::to_owned)
        .collect()
}

fn generate(cflags: &[String], out: &Path) {
    let mut builder = bindgen::Builder::default()
        .header("shim/shim.h")
        .clang_args(cflags)
        .allowlist_recursively(true)
        .allowlist_type("rte_eth_fp_ops|rte_eth_stats|vs_.*")
        .allowlist_var("rte_eth_fp_ops|RTE_MAX_ETHPORTS|RTE_HASH_EXTRA_FLAGS_.*")
        // Reached through pointers only, or by the offsets in the shim.
        .opaque_type("rte_mbuf|rte_mempool|rte_device|rte_devargs|rte_bus|rte_class")
        .opaque_type("rte_hash")
        .opaque_type("rte_l2tpv2.*|rte_arp_ipv4|rte_arp_hdr|rte_gtp_psc.*")
        .default_enum_style(bindgen::EnumVariation::Consts)
        .prepend_enum_name(false)
        .generate_comments(false)
        .layout_tests(true)
        .rust_edition(bindgen::RustEdition::Edition2024);
    for name in ALLOWED {
        builder = builder.allowlist_function(name);
    }
    builder
        .generate()
        .unwrap_or_else(|error| panic!("no bindings from DPDK's headers: {error}"))
        .write_to_file(out.join("bindings.rs"))
        .unwrap_or_else(|error| panic!("cannot write the bindings: {error}"));
}

fn compile(cflags: &[String], guard_memif: bool) {
    let mut build = cc::Build::new();
    build.file("shim/shim.c").opt_level(2).warnings(true);
    for flag in cflags {
        build.flag(flag);
    }
    if guard_memif {
        build.define("VS_GUARD_MEMIF", None);
    }
    build.compile("vs_shim");
}

/// Where the memif driver unmaps memory on a disconnect, makes it call the shim
/// instead, which waits for pollers (`src/memif.rs`); and where it begins and
/// ends to listen, so that it does end.
/// Done on a copy of the archive; false where that is not possible.
fn guard_memif(libdir: &Path, out: &Path) -> bool {
    let copy = out.join(format!("lib{GUARDED_MEMIF}.a"));
    let run = |program: &str, arguments: &[&str]| {
        let output = Command::new(program)
            .args(arguments)
            .current_dir(out)
            .output()
            .ok()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        output.status.success().then_some(text)
    };
    let guard = || {
        std::fs::copy(libdir.join("librte_net_memif.a"), &copy).ok()?;
        let archive = copy.to_str()?;
        let members = run("ar", &["t", archive])?;
        let member = members.lines().find(|name| name.contains("memif_socket"))?;
        run("ar", &["x", archive, member])?;
        for (theirs, ours) in GUARDED_CALLS {
            let rename = format!("{theirs}={ours}");
            run("objcopy", &["--redefine-sym", &rename, member])?;
        }
        let symbols = run("nm", &["-u", member])?;
        run("ar", &["r", archive, member])?;
        let is_guarded = |(_, ours): &(&str, &str)| symbols.contains(ours);
        GUARDED_CALLS.iter().all(is_guarded).then_some(())
    };
    let guarded = guard().is_some();
    if !guarded {
        println!(
            "cargo:warning=the memif driver could not be guarded (needs ar, objcopy and nm): \
             a memif peer that leaves while its port is polled may crash the program"
        );
    }
    guarded
}

fn link(libdir: &Path, out: &Path, memif_is_guarded: bool) {
    println!("cargo:rustc-link-search=native={}", out.display());
    println!("cargo:rustc-link-search=native={}", libdir.display());

    let mut drivers = VIRTUAL.to_vec();
    let mut system = SYSTEM.to_vec();
    if env::var_os("CARGO_FEATURE_PHYSICAL_PMDS").is_some() {
        drivers.extend(PHYSICAL);
    }
    if env::var_os("CARGO_FEATURE_MLX5").is_some() {
        drivers.extend(MLX5);
        system.extend(SYSTEM_MLX5);
    }
    drivers.retain(|name| libdir.join(format!("librte_{name}.a")).exists());
    assert!(
        drivers.contains(&"bus_vdev") && drivers.contains(&"mempool_ring"),
        "{} has no static DPDK archives (librte_bus_vdev.a, …); on Debian: apt-get install \
         libdpdk-dev, or build and install DPDK with these drivers enabled",
        libdir.display()
    );
    for name in &drivers {
        let library = match *name {
            "net_memif" if memif_is_guarded => GUARDED_MEMIF.to_owned(),
            name => format!("rte_{name}"),
        };
        println!("cargo:rustc-link-lib=static:+whole-archive,-bundle={library}");
    }

    // Everything else on demand: what DPDK names as its libraries, and the
    // parts that drivers share.
    let mut rest: BTreeSet<String> = pkg_config(&["--libs-only-l", "libdpdk"])
        .iter()
        .filter_map(|flag| flag.strip_prefix("-lrte_"))
        .map(str::to_owned)
        .collect();
    if let Ok(entries) = libdir.read_dir() {
        for entry in entries.flatten() {
            let name = entry.file_name();
            if let Some(stem) = name.to_str().and_then(|n| n.strip_prefix("librte_common_"))
                && let Some(stem) = stem.strip_suffix(".a")
            {
                rest.insert(format!("common_{stem}"));
            }
        }
    }
    for name in rest.iter().filter(|name| !drivers.contains(&name.as_str())) {
        if libdir.join(format!("librte_{name}.a")).exists() {
            println!("cargo:rustc-link-lib=static:-bundle=rte_{name}");
        }
    }

    let offered: BTreeSet<String> = pkg_config(&["--static", "--libs-only-l", "libdpdk"])
        .iter()
        .filter_map(|flag| flag.strip_prefix("-l"))
        .filter(|name| system.contains(name))
        .map(str::to_owned)
        .collect();
    for name in &offered {
        println!("cargo:rustc-link-lib=dylib={name}");
    }

    let list: Vec<String> = drivers
        .iter()
        .filter(|name| name.starts_with("net_"))
        .map(|name| format!("{name:?}"))
        .collect();
    let text = format!("&[{}]", list.join(", "));
    std::fs::write(out.join("linked_drivers.rs"), text)
        .unwrap_or_else(|error| panic!("cannot write the list of drivers: {error}"));
}

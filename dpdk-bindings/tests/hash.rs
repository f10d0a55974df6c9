//! DPDK's hash table, through the bindings.

use dpdk_bindings::{Eal, EalConfig, hash_table};

#[test]
fn what_is_added_is_found_until_it_is_removed() {
    let eal = Eal::start(&EalConfig::ordinary(64)).unwrap();
    let (mut writer, reader) = hash_table(&eal, 1000).unwrap();
    for (key, value) in (0..1000).zip((0..).step_by(7)) {
        writer.add(key, value).unwrap();
    }
    writer.add(3, 99).unwrap();
    assert!(writer.remove(5));
    assert!(!writer.remove(5000));
    let mut found = [None; 4];
    reader.lookup_bulk(&[3, 4, 5, 5000], &mut found);
    assert_eq!(found, [Some(99), Some(28), None, None]);
}

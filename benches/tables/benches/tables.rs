//! `cargo bench -p tables-bench`: look-ups and changes, to be followed over
//! time.
#![allow(missing_docs, reason = "criterion's macros make undocumented items")]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tables_bench::measure::{TRANSACTION, load};
use tables_bench::subject::Subject;
use tables_bench::subject::brown::Brown;
use tables_bench::subject::ours::Ours;
use tables_bench::workload::{BURST, Numbers};

fn tables(criterion: &mut Criterion) {
    for size in [1000, 100_000, 1_000_000] {
        subject(criterion, Ours::new(size), size);
        subject(criterion, Brown::new(size), size);
    }
}

fn subject<S: Subject>(criterion: &mut Criterion, mut subject: S, size: u32) {
    load(&mut subject, size);
    let id = BenchmarkId::new(S::NAME, size);
    let mut numbers = Numbers::new(1);
    let mut group = criterion.benchmark_group("look-up");
    group.throughput(Throughput::Elements(BURST as u64));
    group.bench_function(id.clone(), |bencher| {
        bencher.iter(|| subject.look_up(&numbers.keys(size)));
    });
    group.finish();
    let mut round = 0;
    let mut group = criterion.benchmark_group("change");
    group.throughput(Throughput::Elements(TRANSACTION as u64));
    group.bench_function(id, |bencher| {
        bencher.iter(|| {
            round += 1;
            let changed: [u32; TRANSACTION] = core::array::from_fn(|_| numbers.below(size));
            subject.put(&changed, round);
        });
    });
    group.finish();
}

criterion_group!(benches, tables);
criterion_main!(benches);

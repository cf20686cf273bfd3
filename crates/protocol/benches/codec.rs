//! How long the kernel's own path through this crate takes: split, decode, encode.
//!
//! Target: a 200-byte `rpc_request` decodes in about 1 µs in release, because a call passes here four times.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use protocol::decode::{Decoded, Frame, decode};
use protocol::encode;
use protocol::lines::LineDecoder;

/// 200 bytes, as a module would write it.
const REQUEST: &[u8] = br#"{"type":"rpc_request","id":"8d1f3c1e-5f4b-4b6a-9d55-0c6a1f7f2b11","service":"database","method":"query","params":{"sql":"select name, age from people where id = ?","args":[42],"limit":100}}"#;

fn bench(c: &mut Criterion) {
    let mut group = c.benchmark_group("codec");
    group.throughput(Throughput::Bytes(REQUEST.len() as u64));
    group.bench_function("decode_rpc_request", |b| b.iter(|| decode(black_box(REQUEST))));

    let large = format!(r#"{{"type":"publish","topic":"t","payload":"{}"}}"#, "x".repeat(64 << 10));
    group.throughput(Throughput::Bytes(large.len() as u64));
    group.bench_function("decode_publish_64_kib", |b| b.iter(|| decode(black_box(large.as_bytes()))));

    let Decoded::Frame(Frame::RpcRequest { service, method, params, .. }) = decode(REQUEST) else {
        panic!("the request must decode");
    };
    let params = params.map(|params| params.as_bytes());
    let mut out = Vec::with_capacity(4096);
    group.throughput(Throughput::Bytes(REQUEST.len() as u64));
    group.bench_function("encode_rpc_request", |b| {
        b.iter(|| {
            out.clear();
            let call =
                encode::Call { id: "17", method: &method, params, deadline_ms: None, traceparent: None };
            encode::rpc_request(&mut out, "caller", &service, black_box(&call));
        });
    });

    let chunk = [REQUEST, b"\n"].concat().repeat(300);
    group.throughput(Throughput::Bytes(chunk.len() as u64));
    group.bench_function("split_300_lines", |b| {
        let mut decoder = LineDecoder::new(1 << 20);
        b.iter(|| {
            let mut rest = black_box(&chunk[..]);
            let mut lines = 0;
            while decoder.next_line(&mut rest).is_some() {
                lines += 1;
            }
            lines
        });
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);

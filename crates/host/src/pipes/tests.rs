//! A frame on its way from pipe to pipe takes no memory of its own, once everything has found its size.

use std::io::Write;

use abi::{Generation, ModuleId, Name, Permissions, Slot, Time};
use allocation_counter::measure;
use kernel::{Capabilities, Discovered, Door, Effect, Ensemble, Event, Grants, Incoming, Spec};
use protocol::lines::{Line, LineDecoder};

use crate::limits::READ_BYTES;
use crate::translate::{Heard, Initial, Sheet, hear, tell};

/// 300 rounds until tables and buffers have their sizes, then as many that are counted.
const ROUNDS: u64 = 300;

fn module(id: &str) -> Discovered {
    let mut spec = Spec::plain(ModuleId::parse(id).expect("a slug"));
    spec.door = Door::Lines;
    spec.provides = [Name::literal("echo")].into_iter().filter(|_| id == "b").collect();
    spec.capabilities = Some(Capabilities {
        services: [Name::literal("echo")].into(),
        topics: [Name::literal("t")].into(),
        ..Capabilities::default()
    });
    let grants = Grants { base: Some(Permissions::default()), ..Grants::default() };
    Discovered { spec, grants, refused: None }
}

/// What lies between two pipes, without the pipes.
struct Way {
    kernel: Ensemble,
    sheet: Sheet,
    lines: LineDecoder,
    /// What each module is told.
    told: [Vec<u8>; 2],
}

impl Way {
    /// Modules `a` and `b`, both ready.
    fn new() -> Self {
        let mut kernel = Ensemble::new(1);
        kernel.handle(Time(0), Event::Discovered(vec![module("a"), module("b")]));
        for at in [0, 1] {
            let (slot, generation) = life(at);
            kernel.handle(Time(0), Event::Spawned(slot, generation));
            kernel.handle(Time(0), Event::Said(slot, generation, Incoming::Ready));
        }
        while kernel.poll_effect().is_some() {}
        let told = [Vec::with_capacity(READ_BYTES), Vec::with_capacity(READ_BYTES)];
        Self { kernel, sheet: Sheet::from(vec![0; READ_BYTES]), lines: LineDecoder::new(READ_BYTES), told }
    }

    /// One read of what a module wrote, as [`crate::shell::Shell`] takes it.
    fn read(&mut self, from: u32, piece: &[u8]) {
        let sheet = Sheet::get_mut(&mut self.sheet).expect("nothing of the last read is on its way");
        sheet[..piece.len()].copy_from_slice(piece);
        let mut rest = &self.sheet[..piece.len()];
        let (slot, generation) = life(from);
        while let Some(Line::Complete(line)) = self.lines.next_line(&mut rest) {
            let Heard::Incoming(said) = hear(line, &self.sheet) else { panic!("no frame") };
            self.kernel.handle(Time(1), Event::Said(slot, generation, said));
            while let Some(effect) = self.kernel.poll_effect() {
                let Effect::Send(slot, _, frame) = effect else { continue };
                let out = &mut self.told[slot.0 as usize];
                tell(out, &frame, || Initial { config: Vec::new(), home: String::new(), lane: None });
            }
        }
    }

    /// `a` calls, `b` answers, and `a` speaks to whoever listens; two frames in each read.
    fn round(&mut self, hop: u64) {
        self.told.iter_mut().for_each(Vec::clear);
        let asked = br#"{"type":"rpc_request","id":"0b9f7a52-6d7c-4c8e-9d56-0d7f5b3f2a10","service":"echo","method":"say","params":{"text":"hello"}}
{"type":"publish","topic":"t","payload":[1,2,3]}
"#;
        self.read(0, asked);
        let mut answer = [0; 64];
        let room = answer.len();
        let mut rest = &mut answer[..];
        writeln!(rest, "{{\"type\":\"rpc_response\",\"id\":\"{hop}\",\"result\":true}}").expect("it fits");
        let length = room - rest.len();
        self.read(1, &answer[..length]);
    }
}

fn life(at: u32) -> (Slot, Generation) {
    (Slot(at), Generation(u64::from(at) + 1))
}

#[test]
fn a_frame_on_its_way_allocates_nothing() {
    let mut way = Way::new();
    for hop in 1..=ROUNDS {
        way.round(hop);
    }
    let counted = measure(|| (ROUNDS + 1..=2 * ROUNDS).for_each(|hop| way.round(hop)));
    let told = String::from_utf8_lossy(&way.told[0]).into_owned();
    assert_eq!(
        told,
        "{\"type\":\"rpc_response\",\"id\":\"0b9f7a52-6d7c-4c8e-9d56-0d7f5b3f2a10\",\"result\":true}\n"
    );
    assert!(String::from_utf8_lossy(&way.told[1]).contains("\"type\":\"deliver\""));
    assert_eq!(counted.count_total, 0, "{counted:?} in {ROUNDS} rounds of three frames");
}

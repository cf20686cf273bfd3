//! Memory out of one fixed arena: blocks of powers of two, a free list for each size, one core.
//!
//! Simple on purpose. A bare machine gives the actor core whole pages; what else is allocated is small and rare.

use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::ptr;

/// 64 MiB: more than the proof ever holds at once; the kernel of the machine gives pages only when they are touched.
const ARENA_BYTES: usize = 64 << 20;

/// 16 bytes: the smallest block, which must hold the link of a free one.
const SMALLEST_LOG2: usize = 4;

/// From 16 bytes to 64 MiB.
const SIZES: usize = 23;

#[repr(C, align(4096))]
struct Arena([u8; ARENA_BYTES]);

struct Free {
    /// The first free block of each size.
    heads: [*mut u8; SIZES],
    /// How much of the arena was ever given away.
    used: usize,
}

struct Heap {
    arena: UnsafeCell<Arena>,
    free: UnsafeCell<Free>,
}

// SAFETY: the program has one thread and no interrupts, so nothing runs beside a call of the allocator.
unsafe impl Sync for Heap {}

#[global_allocator]
static HEAP: Heap = Heap {
    arena: UnsafeCell::new(Arena([0; ARENA_BYTES])),
    free: UnsafeCell::new(Free { heads: [ptr::null_mut(); SIZES], used: 0 }),
};

fn log2_of(layout: Layout) -> usize {
    let bytes = layout.size().max(layout.align()).max(1 << SMALLEST_LOG2);
    bytes.next_power_of_two().trailing_zeros() as usize
}

// SAFETY: a block is as large as its power of two and aligned to the smaller of that and a page; it is given to nobody
// else before it is freed, since it leaves its list or the untouched part of the arena when it is given.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let log2 = log2_of(layout);
        let Some(list) = log2.checked_sub(SMALLEST_LOG2).filter(|list| *list < SIZES) else {
            return ptr::null_mut();
        };
        // SAFETY: one thread, and no call of the allocator inside of one.
        let free = unsafe { &mut *self.free.get() };
        let head = free.heads[list];
        if !head.is_null() {
            // SAFETY: a free block holds the link to the next in its first word, written when it was freed.
            free.heads[list] = unsafe { head.cast::<*mut u8>().read() };
            return head;
        }
        let (bytes, align) = (1 << log2, (1_usize << log2).min(2 << 20));
        let base = self.arena.get() as usize;
        let start = (base + free.used).next_multiple_of(align) - base;
        if start + bytes > ARENA_BYTES {
            return ptr::null_mut();
        }
        free.used = start + bytes;
        // SAFETY: the end of the block lies within the arena.
        unsafe { self.arena.get().cast::<u8>().add(start) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let list = log2_of(layout) - SMALLEST_LOG2;
        // SAFETY: one thread; the block came from this list, is at least 16 bytes long and nobody's any more.
        unsafe {
            let free = &mut *self.free.get();
            block.cast::<*mut u8>().write(free.heads[list]);
            free.heads[list] = block;
        }
    }
}

//! `lazaret:importer/input`: arguments in, [`Steering`](crate::Steering) called, results out.

use wasmtime::Result;
use wasmtime::component::Resource;

use crate::bindings::input::{Host, HostBlob, HostCursor};
use crate::bindings::types::{self as wit, Segment};
use crate::session::Storage;
use crate::state::{BlobHandle, CursorHandle, State};
use crate::steering::Shortfall;

impl Host for State {}
impl wit::Host for State {}

impl HostCursor for State {
    fn position(&mut self, _: Resource<CursorHandle>) -> Result<u64> {
        self.steer(|steering| steering.position())
    }

    fn remaining(&mut self, _: Resource<CursorHandle>) -> Result<Option<u64>> {
        self.steer(|steering| steering.remaining())
    }

    fn peek(&mut self, _: Resource<CursorHandle>, max: u32) -> Result<Vec<u8>> {
        self.steer(|steering| steering.peek(max))
    }

    fn read(&mut self, _: Resource<CursorHandle>, max: u32) -> Result<Vec<u8>> {
        self.steer(|steering| steering.read(max))
    }

    fn skip(
        &mut self,
        _: Resource<CursorHandle>,
        length: u64,
    ) -> Result<Result<(), wit::Shortfall>> {
        self.steer(|steering| steering.keep(length, Storage::Inline))
            .map(short)
    }

    fn splice(
        &mut self,
        _: Resource<CursorHandle>,
        length: u64,
    ) -> Result<Result<(), wit::Shortfall>> {
        self.steer(|steering| steering.keep(length, Storage::Object))
            .map(short)
    }

    fn splice_rest(&mut self, _: Resource<CursorHandle>) -> Result<u64> {
        self.steer(|steering| steering.keep_rest())
    }

    fn cut(
        &mut self,
        _: Resource<CursorHandle>,
        plan: Vec<Segment>,
    ) -> Result<Result<(), wit::Shortfall>> {
        let plan = plan.into_iter().map(|segment| {
            let storage = match segment.storage {
                wit::Storage::Inline => Storage::Inline,
                wit::Storage::Object => Storage::Object,
            };
            (segment.length, storage)
        });
        self.steer(|steering| steering.cut(plan)).map(short)
    }

    fn drop(&mut self, _: Resource<CursorHandle>) -> Result<()> {
        Ok(())
    }
}

impl HostBlob for State {
    fn size(&mut self, _: Resource<BlobHandle>) -> Result<u64> {
        self.steer(|steering| steering.size())
    }

    fn read_at(&mut self, _: Resource<BlobHandle>, offset: u64, max: u32) -> Result<Vec<u8>> {
        self.steer(|steering| steering.read_at(offset, max))
    }

    fn drop(&mut self, _: Resource<BlobHandle>) -> Result<()> {
        Ok(())
    }
}

fn short(result: std::result::Result<(), Shortfall>) -> std::result::Result<(), wit::Shortfall> {
    result.map_err(|shortfall| wit::Shortfall {
        available: shortfall.available,
    })
}

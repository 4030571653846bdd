//! `lazaret:importer/output`: arguments in, [`Steering`](crate::Steering) called, results out.

use wasmtime::Result;
use wasmtime::component::Resource;

use crate::bindings::output::{Host, HostDerived, HostSink};
use crate::bindings::types::{ByteRange, Entry, Fact};
use crate::state::{DERIVED, DerivedHandle, SinkHandle, State};

impl Host for State {}

impl HostSink for State {
    fn emit(&mut self, _: Resource<SinkHandle>, entries: Vec<Entry>) -> Result<u32> {
        self.steer(|steering| steering.emit(entries))
    }

    fn add_facts(&mut self, _: Resource<SinkHandle>, facts: Vec<Fact>) -> Result<()> {
        self.steer(|steering| steering.add_facts(facts))
    }

    fn derive(
        &mut self,
        _: Resource<SinkHandle>,
        media_type: String,
    ) -> Result<Resource<DerivedHandle>> {
        self.steer(|steering| steering.begin_derived(&media_type))?;
        Ok(Resource::new_own(DERIVED))
    }

    fn drop(&mut self, _: Resource<SinkHandle>) -> Result<()> {
        Ok(())
    }
}

impl HostDerived for State {
    fn append(&mut self, _: Resource<DerivedHandle>, bytes: Vec<u8>) -> Result<()> {
        self.steer(|steering| steering.append_derived(&bytes))
    }

    fn append_input(&mut self, _: Resource<DerivedHandle>, range: ByteRange) -> Result<()> {
        self.steer(|steering| steering.append_derived_input(range.offset, range.length))
    }

    fn finish(&mut self, _: Resource<DerivedHandle>) -> Result<u32> {
        self.steer(|steering| steering.finish_derived())
    }

    fn drop(&mut self, _: Resource<DerivedHandle>) -> Result<()> {
        Ok(())
    }
}

//! Memory and tables, added up over all instances. wasmtime's stock limiter counts each alone, so
//! that a component of many small modules could have many times the limit.

use wasmtime::ResourceLimiter;

use crate::budget::Budget;
use crate::error::{Fault, FaultKind};

/// Instances, memories and tables one component may have: a component made by `wit-component` has
/// a few of each.
const MAX_INSTANCES: usize = 16;
const MAX_MEMORIES: usize = 4;
const MAX_TABLES: usize = 8;

pub(crate) struct Limiter {
    memory: usize,
    max_memory: usize,
    elements: usize,
    max_elements: usize,
    /// What was refused, if anything.
    pub(crate) fault: Option<Fault>,
}

impl Limiter {
    pub(crate) const fn new(budget: &Budget) -> Self {
        Self {
            memory: 0,
            max_memory: budget.memory,
            elements: 0,
            max_elements: budget.table_elements,
            fault: None,
        }
    }

    fn refuse(&mut self, fault: Fault) -> wasmtime::Result<bool> {
        let error = wasmtime::Error::msg(fault.to_string());
        self.fault = Some(fault);
        // A trap, not a -1 that the guest could take for bad luck and go on differently.
        Err(error)
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let total = self.memory.saturating_add(desired.saturating_sub(current));
        if total > self.max_memory {
            return self.refuse(Fault::new(
                FaultKind::Memory,
                format!("wants {total} bytes, may have {}", self.max_memory),
            ));
        }
        self.memory = total;
        Ok(true)
    }

    /// More than the memory's type allows, or than this machine has.
    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        self.refuse(Fault::new(FaultKind::Memory, error.to_string()))
            .map(drop)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let total = self
            .elements
            .saturating_add(desired.saturating_sub(current));
        if total > self.max_elements {
            return self.refuse(Fault::new(
                FaultKind::Table,
                format!("wants {total} elements, may have {}", self.max_elements),
            ));
        }
        self.elements = total;
        Ok(true)
    }

    fn table_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        self.refuse(Fault::new(FaultKind::Table, error.to_string()))
            .map(drop)
    }

    fn instances(&self) -> usize {
        MAX_INSTANCES
    }

    fn tables(&self) -> usize {
        MAX_TABLES
    }

    fn memories(&self) -> usize {
        MAX_MEMORIES
    }
}

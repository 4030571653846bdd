//! wasmtime, configured once: what is on, what is off, and why.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use wasmtime::component::{HasSelf, Linker};
use wasmtime::{Config, Engine, OperatorCost, Store, UpdateDeadline, VariableOperatorCost};

use crate::bindings::Importer as World;
use crate::budget::Budget;
use crate::error::{EngineError, WasmError};
use crate::limiter::Limiter;
use crate::state::State;
use crate::steering::Steering;

/// Native stack of a guest. Recursion ends here, far below the thread's own stack.
const MAX_WASM_STACK: usize = 512 << 10;

/// How often the stall watch looks.
const TICK: Duration = Duration::from_millis(100);

/// Fuel for each page (64 KiB) of `memory.grow`: zeroing it costs the host more than one
/// instruction, and the default price is nothing.
const GROW_PAGE_FUEL: u8 = 255;

/// How to set up a [`Sandbox`].
#[derive(Debug, Clone, Default)]
pub struct SandboxOptions {
    /// Budget of every run.
    pub budget: Budget,
    /// Where compiled code is kept; none compiles at every start.
    pub cache: Option<PathBuf>,
}

/// Compiles importers and gives each run a store of its own.
pub struct Sandbox {
    engine: Engine,
    linker: Linker<State>,
    budget: Budget,
    ticking: AtomicBool,
}

impl Sandbox {
    /// Sets wasmtime up.
    ///
    /// # Errors
    /// When this machine cannot run the configuration.
    pub fn new(options: SandboxOptions) -> Result<Self, EngineError> {
        let setup = |error| EngineError::Setup(WasmError(error));
        let mut config = configuration();
        if let Some(directory) = &options.cache {
            config.cache(crate::cache::open(directory));
        }
        let engine = Engine::new(&config).map_err(setup)?;
        let mut linker = Linker::new(&engine);
        // Only what the importer world names; an importer that wants anything else does not link.
        World::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state).map_err(setup)?;
        Ok(Self {
            engine,
            linker,
            budget: options.budget,
            ticking: AtomicBool::new(false),
        })
    }

    /// The budget every run gets.
    #[must_use]
    pub const fn budget(&self) -> &Budget {
        &self.budget
    }

    pub(crate) const fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(crate) const fn linker(&self) -> &Linker<State> {
        &self.linker
    }

    /// A fresh store with every limit in place before any guest code runs.
    pub(crate) fn store(&self, fuel: u64, steering: Option<Steering>) -> Store<State> {
        self.start_ticking();
        let state = State::new(Limiter::new(&self.budget), steering);
        let mut store = Store::new(&self.engine, state);
        store.limiter(|state| &mut state.limiter);
        store
            .set_fuel(fuel)
            .expect("fuel is turned on in the configuration");
        store.set_hostcall_fuel(self.budget.call_bytes);
        store.set_max_component_handles(self.budget.handles);
        let ticks = u64::try_from(self.budget.stall.as_millis() / TICK.as_millis())
            .unwrap_or(u64::MAX)
            .max(1);
        store.set_epoch_deadline(ticks);
        store.epoch_deadline_callback(move |mut context| {
            let state = context.data_mut();
            if state.calls == state.calls_seen {
                return Ok(UpdateDeadline::Interrupt);
            }
            state.calls_seen = state.calls;
            Ok(UpdateDeadline::Continue(ticks))
        });
        store
    }

    /// The watch that advances wasmtime's epoch. It ends when the engine is gone.
    fn start_ticking(&self) {
        if self.ticking.swap(true, Ordering::Relaxed) {
            return;
        }
        let engine = self.engine.weak();
        let spawned = thread::Builder::new()
            .name("lazaret-epoch".to_owned())
            .spawn(move || {
                loop {
                    thread::sleep(TICK);
                    match engine.upgrade() {
                        Some(engine) => engine.increment_epoch(),
                        None => return,
                    }
                }
            });
        if let Err(error) = spawned {
            // Fuel still ends every loop; only the backstop is missing.
            tracing::warn!(%error, "no stall watch");
            self.ticking.store(false, Ordering::Relaxed);
        }
    }
}

fn configuration() -> Config {
    let mut config = Config::new();
    // Nothing an importer needs, and each a surface of its own.
    config
        .gc_support(false)
        .wasm_gc(false)
        .wasm_function_references(false)
        .wasm_exceptions(false)
        .wasm_threads(false)
        .wasm_memory64(false)
        .wasm_tail_call(false)
        .wasm_multi_memory(false)
        .wasm_relaxed_simd(false)
        .wasm_wide_arithmetic(false)
        .wasm_custom_page_sizes(false)
        .shared_memory(false)
        .concurrency_support(false);
    // The same result everywhere: NaN bits are all that wasm leaves open.
    config.cranelift_nan_canonicalization(true);
    // Fuel is the verdict, epochs the backstop.
    config.consume_fuel(true).epoch_interruption(true);
    let cost = OperatorCost {
        variable: VariableOperatorCost {
            memory_grow_per_page: GROW_PAGE_FUEL,
            ..VariableOperatorCost::new()
        },
        ..OperatorCost::new()
    };
    config.operator_cost(cost);
    config.max_wasm_stack(MAX_WASM_STACK);
    config.strategy(wasmtime::Strategy::Cranelift);
    config.wasm_backtrace_max_frames(None);
    config
}

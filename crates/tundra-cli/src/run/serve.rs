//! `tundra serve`: puts the server together, says what it is, and serves until it is told to stop.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use tundra_access::Authenticator;
use tundra_connectors::AddressPolicy;
use tundra_core::Catalog;
use tundra_jobs::SqliteJobs;
use tundra_runs::Runs;
use tundra_server::{
    App, AppParts, LogHandle, TraceSettings, Traces,
    tasks::{DatabaseRules, Executor, ProcessExecutor, ProcessLimits, ThreadExecutor, Workshop},
};

use crate::{
    args::{Isolation, RunTaskArgs, ServeArgs, Switch},
    env,
    failure::Failure,
    logging,
    printer::Printer,
    render::{self, Serving},
    service::{self, Bounds, Defaults, JOBS, Plan, UntilAsked},
    session::{self, Session},
};

/// How often it is looked for versions that dead runs left: those of other processes, which nobody else sees.
const SWEEP_EVERY: Duration = Duration::from_secs(300);

/// Files that the server needs beside its connections: its databases, and three pipes for each run.
const OTHER_FILES: u64 = 1024;

/// This program, also after its file was replaced by a newer one.
const THIS_PROGRAM: &str = "/proc/self/exe";

/// Serves until a signal comes.
///
/// # Errors
/// Fails when options or variables make no sense, when something that is needed cannot be used, and when
/// others could reach the server and nobody would ask them who they are.
pub(crate) fn run(args: ServeArgs, printer: &Printer) -> Result<(), Failure> {
    let log = logging::set_up_server(printer)?;
    let plan = Plan::read(args)?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    session::run_on(threads, None, async |session| serve(session, plan, log, printer).await)
}

async fn serve(
    session: &Session,
    plan: Plan,
    log: LogHandle,
    printer: &Printer,
) -> Result<(), Failure> {
    let traces = env::traces()?;
    let authenticator = service::authenticator(&plan).await?;
    let address = plan.listen.address().await?;
    let asks = service::asks(authenticator.as_ref());
    plan.edge.check(address, asks)?;
    let is_private = !asks && address.ip().is_loopback();
    let bounds = Bounds {
        resources: plan.resources.clone(),
        timeout: Some(plan.timeout),
        private_databases: plan.private_databases.unwrap_or(is_private),
    };
    let private_databases = bounds.private_databases;
    let (workshop, opened) = service::workshop(&plan.places, &plan.directory, bounds).await?;
    let workshop = Arc::new(workshop);
    let jobs = SqliteJobs::open(plan.directory.join(JOBS)).await?;
    let mut executor = executor(&plan, &workshop, private_databases)?;
    if let Some(authenticator) = &authenticator
        && plan.private_databases.is_none()
        && is_private
    {
        // What everybody on this machine may, callers may not who are asked.
        let (asking, before) = (authenticator.asking(), executor);
        let after = self::executor(&plan, &Arc::new(for_callers(&workshop)), false)?;
        executor = Arc::new(UntilAsked { asking, before, after });
    }
    let executor = Defaults::before(executor, plan.compression);
    let listener = tundra_server::listen(address).map_err(|source| cannot_listen(&plan, source))?;
    let bound = listener.local_addr().map_err(|source| cannot_listen(&plan, source))?;
    let found = Found {
        address: bound,
        catalog: opened.runs.catalog(),
        warehouse: &opened.place,
        authenticator: authenticator.as_ref(),
        traces: traces.as_ref(),
    };
    say(&plan, &found, printer);
    if let Some(warning) = allow_connections(plan.edge.max_connections.get() as u64) {
        printer.warning(&warning);
    }
    let sweeping = sweep(opened.runs, opened.settings.stale_after);
    let parts = AppParts {
        workshop,
        executor,
        authenticator,
        jobs: Some(Arc::new(jobs)),
        webhooks: env::webhooks()?,
        log: Some(log),
        traces: traces.map(Traces::start).transpose()?,
        settings: plan.edge,
    };
    let app = App::start(parts).await.map_err(|source| Failure::Jobs { source })?;
    let stop = async {
        session.signal().await;
    };
    let served = tundra_server::serve(listener, app, stop).await;
    sweeping.abort();
    served.map(drop).map_err(|source| Failure::Serve { source })
}

/// Returns what tasks are done with once callers are asked who they are.
fn for_callers(workshop: &Workshop) -> Workshop {
    let databases =
        DatabaseRules { addresses: AddressPolicy::PublicOnly, ..workshop.databases.clone() };
    Workshop { databases, ..workshop.clone() }
}

/// Lets this process have as many files as it may have connections, as far as the system does, and returns
/// what is to be said where that is less. Connections for which there is no file wait.
fn allow_connections(number: u64) -> Option<String> {
    let wanted = number.saturating_add(OTHER_FILES);
    match rlimit::increase_nofile_limit(wanted) {
        Ok(allowed) => (allowed < wanted).then(|| {
            format!(
                "the system allows {allowed} open files, which is less than {number} connections and the \
                 rest need; raise it (`ulimit -n`), or set MAX_CONNECTIONS"
            )
        }),
        Err(error) => {
            tracing::warn!(%error, "could not ask for more open files");
            None
        }
    }
}

/// Returns who does tasks.
fn executor(
    plan: &Plan,
    workshop: &Arc<Workshop>,
    private_databases: bool,
) -> Result<Arc<dyn Executor>, Failure> {
    if plan.isolation == Isolation::Thread {
        return Ok(Arc::new(ThreadExecutor::new(Arc::clone(workshop))));
    }
    let resources = &plan.resources;
    let absolute = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone());
    let temp_directory = absolute(&resources.temp_directory);
    let args = RunTaskArgs {
        memory_limit: plan.budget.memory_per_run,
        memory: resources.memory,
        threads: resources.threads,
        max_temp_size: resources.max_temp_size,
        temp_dir: temp_directory.clone(),
        data_directory: absolute(&plan.directory),
        private_databases,
        places: plan.places.clone(),
    };
    let limits = ProcessLimits::new(plan.budget.memory_per_run);
    let executor = ProcessExecutor::new(
        workshop.runs.clone(),
        program()?,
        args.command_line(),
        temp_directory,
        limits,
    );
    Ok(Arc::new(executor.with_environment(env::of_runs())))
}

/// Returns the program that runs are processes of.
fn program() -> Result<PathBuf, Failure> {
    let this = PathBuf::from(THIS_PROGRAM);
    if this.exists() {
        return Ok(this);
    }
    std::env::current_exe().map_err(|source| Failure::Start { source })
}

fn cannot_listen(plan: &Plan, source: std::io::Error) -> Failure {
    Failure::Listen { address: plan.listen.to_string(), source }
}

/// Looks for versions that dead runs left, beside everything else.
fn sweep(runs: Runs, stale_after: Duration) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move { match runs.sweep_forever(stale_after, SWEEP_EVERY).await {} })
}

/// What the server found or made at its start.
struct Found<'a> {
    address: SocketAddr,
    catalog: &'a dyn Catalog,
    warehouse: &'a str,
    authenticator: Option<&'a Authenticator>,
    traces: Option<&'a TraceSettings>,
}

/// Says what the server is and where.
fn say(plan: &Plan, found: &Found<'_>, printer: &Printer) {
    let Found { address, catalog, warehouse, authenticator, traces } = *found;
    let asks = service::asks(authenticator);
    let is_open = !asks && !address.ip().is_loopback();
    printer.note(&render::serving(&Serving {
        address,
        stage: plan.stage.as_deref(),
        in_processes: plan.isolation == Isolation::Process,
        budget: plan.budget,
        timeout: plan.timeout,
        catalog: &catalog.display(),
        warehouse,
        directory: &plan.directory.display().to_string(),
        asks,
        traces: traces.and_then(|traces| traces.endpoint.host_str()),
        was_told_not_to: plan.authentication == Some(Switch::Off),
    }));
    if is_open {
        printer.warning("everybody who reaches this server may do everything");
    }
    if plan.budget.is_too_little() {
        printer.warning(&format!(
            "a run may take {} of memory, with which few succeed; `--runs` gives each more",
            render::size(plan.budget.memory_per_run)
        ));
    }
    if !plan.without_meaning.is_empty() {
        let names = plan.without_meaning.join(", ");
        printer.warning(&format!("set, and without meaning since Tundra 5: {names}"));
    }
}

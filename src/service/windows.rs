//! The service as Windows sees it. Thin on purpose: other systems can neither check nor run this file, and
//! `tests/windows/run` does so with wine alone.

use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use tokio::sync::oneshot;
use tracing::{error, info};
use tracing_layer_win_eventlog::EventLogLayer;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use windows_registry::LOCAL_MACHINE;
use windows_service::service::{
    Service, ServiceAccess, ServiceAction, ServiceActionType, ServiceControl, ServiceControlAccept,
    ServiceErrorControl, ServiceExitCode, ServiceFailureActions, ServiceFailureResetPeriod, ServiceInfo,
    ServiceStartType, ServiceState, ServiceStatus, ServiceType,
};
use windows_service::service_control_handler::{self, ServiceControlHandlerResult, ServiceStatusHandle};
use windows_service::service_manager::{ServiceManager, ServiceManagerAccess};
use windows_service::{define_windows_service, service_dispatcher};

use super::log::{self, Style};
use super::{ACCOUNT, Action, Control, Folder, Install, NAME, RECOVERY, RECOVERY_RESET};
use crate::scenario;

const DISPLAY_NAME: &str = "locmfa, imitation of the Azure MFA Server Web Service SDK";
const DESCRIPTION: &str =
    "Answers Microsoft Identity Manager in place of Azure MFA Server, for tests. It rings no phone.";

/// Where Windows finds the text of an event. EventCreate.exe is part of Windows, and has a text for each number from 1
/// to 1000: what the event brings.
const EVENT_SOURCE: &str = r"SYSTEM\CurrentControlSet\Services\EventLog\Application\locmfa";
const EVENT_MESSAGES: &str = r"%SystemRoot%\System32\EventCreate.exe";
/// Errors, warnings and information.
const EVENT_TYPES: u32 = 7;
const EVENT: u32 = 1;

/// How long starting and stopping may take before Windows says that it hangs: a first start makes keys.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Does what is asked.
///
/// # Errors
/// A sentence with a remedy where Windows refuses.
pub fn act(action: &Action, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let folder = folder()?;
    match action {
        Action::Install(install) => self::install(&folder, install, out)?,
        Action::Start => start(&folder, out)?,
        Action::Stop => {
            stop(&open(ServiceAccess::STOP)?)?;
            writeln!(out, "The service {NAME} has stopped.")?;
        }
        Action::Uninstall => uninstall(&folder, out)?,
        Action::Status => return status(&folder, out),
    }
    Ok(ExitCode::SUCCESS)
}

fn folder() -> anyhow::Result<Folder> {
    #[expect(clippy::disallowed_methods, reason = "Windows says it in the environment")]
    let data = std::env::var_os("ProgramData").context("the environment does not say where ProgramData is")?;
    Ok(Folder::below(Path::new(&data)))
}

const AS_ADMINISTRATOR: &str = "Windows refused; services take PowerShell as administrator";

fn manager(access: ServiceManagerAccess) -> anyhow::Result<ServiceManager> {
    ServiceManager::local_computer(None::<&str>, access).context(AS_ADMINISTRATOR)
}

/// The service, to look at it and for what else is asked.
fn open(access: ServiceAccess) -> anyhow::Result<Service> {
    find(access)?.ok_or_else(|| anyhow!("the service {NAME} is not installed; `locmfa service install` does it"))
}

fn find(access: ServiceAccess) -> anyhow::Result<Option<Service>> {
    let looks = ServiceAccess::QUERY_STATUS | ServiceAccess::QUERY_CONFIG;
    match manager(ServiceManagerAccess::CONNECT)?.open_service(NAME, access | looks) {
        Ok(service) => Ok(Some(service)),
        Err(windows_service::Error::Winapi(error)) if error.raw_os_error() == Some(NO_SUCH_SERVICE) => Ok(None),
        Err(error) => Err(error).context(AS_ADMINISTRATOR),
    }
}

/// `ERROR_SERVICE_DOES_NOT_EXIST`.
const NO_SUCH_SERVICE: i32 = 1060;
/// `ERROR_INVALID_LEVEL`.
const UNKNOWN_SETTING: i32 = 124;
/// `ERROR_FAILED_SERVICE_CONTROLLER_CONNECT`.
const NOT_STARTED_BY_WINDOWS: i32 = 1063;

fn install(folder: &Folder, install: &Install, out: &mut dyn Write) -> anyhow::Result<()> {
    if find(ServiceAccess::empty())?.is_some() {
        bail!("the service {NAME} is installed already; `locmfa service uninstall` removes it and keeps its folder");
    }
    let manager = manager(ServiceManagerAccess::CONNECT | ServiceManagerAccess::CREATE_SERVICE)?;
    let scenario = install.scenario().map(checked).transpose()?;
    let executable = std::env::current_exe().context("cannot tell where this program is")?;
    fs::create_dir_all(folder.logs()).with_context(|| format!("cannot make {folder}"))?;
    for command in folder.access(&executable) {
        run_command(&command)?;
    }
    if let Some(text) = scenario {
        fs::write(folder.scenario(), text).with_context(|| format!("cannot copy the scenario to {folder}"))?;
    }

    let service = manager.create_service(
        &ServiceInfo {
            name: NAME.into(),
            display_name: DISPLAY_NAME.into(),
            service_type: ServiceType::OWN_PROCESS,
            start_type: ServiceStartType::AutoStart,
            error_control: ServiceErrorControl::Normal,
            executable_path: executable,
            launch_arguments: folder.arguments(install),
            dependencies: vec![],
            account_name: Some(ACCOUNT.into()),
            account_password: None,
        },
        // Restarting after a failure takes the right to start.
        ServiceAccess::CHANGE_CONFIG | ServiceAccess::START | ServiceAccess::DELETE,
    );
    let service = service.context(AS_ADMINISTRATOR)?;
    if let Err(error) = describe(&service, out).and_then(|()| add_event_source()) {
        service.delete().context("the half-installed service cannot be removed")?;
        return Err(error);
    }
    writeln!(
        out,
        "The service {NAME} is installed, runs as {ACCOUNT} and starts with Windows.\n\
         Its folder is {folder}.\n\
         Start it now: locmfa service start"
    )?;
    Ok(())
}

/// The text of a scenario without mistakes.
fn checked(file: &Path) -> anyhow::Result<Vec<u8>> {
    if scenario::load_file(file).is_err() {
        let file = file.display();
        bail!("{file} has mistakes, so nothing was installed; `locmfa check {file}` shows them");
    }
    fs::read(file).with_context(|| format!("cannot read {}", file.display()))
}

fn run_command(words: &[OsString]) -> anyhow::Result<()> {
    let shown = words.join(" ".as_ref());
    let shown = shown.to_string_lossy();
    let output = Command::new(&words[0]).args(&words[1..]).output();
    let output = output.with_context(|| format!("cannot run {shown}"))?;
    if !output.status.success() {
        bail!("{shown} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

fn describe(service: &Service, out: &mut dyn Write) -> anyhow::Result<()> {
    let restart = |delay| ServiceAction { action_type: ServiceActionType::Restart, delay };
    let recovery = ServiceFailureActions {
        reset_period: ServiceFailureResetPeriod::After(RECOVERY_RESET),
        reboot_msg: None,
        command: None,
        actions: Some(RECOVERY.map(restart).into()),
    };
    let settings = [
        ("a description", service.set_description(DESCRIPTION)),
        ("a delayed start", service.set_delayed_auto_start(true)),
        ("recovery", service.update_failure_actions(recovery)),
        // A port that is taken ends the program in good order, and is a failure nevertheless.
        ("recovery from failures in good order", service.set_failure_actions_on_non_crash_failures(true)),
    ];
    for (setting, taken) in settings {
        match taken {
            Ok(()) => (),
            // Wine, which tests this, has less than Windows.
            Err(windows_service::Error::Winapi(error)) if error.raw_os_error() == Some(UNKNOWN_SETTING) => {
                writeln!(out, "This system knows nothing of {setting} for services.")?;
            }
            Err(error) => return Err(error).context(format!("Windows does not take {setting} for the service")),
        }
    }
    Ok(())
}

fn add_event_source() -> anyhow::Result<()> {
    let source = LOCAL_MACHINE.create(EVENT_SOURCE).and_then(|source| {
        source.set_expand_string("EventMessageFile", EVENT_MESSAGES)?;
        source.set_u32("TypesSupported", EVENT_TYPES)
    });
    source.context("the Event Log does not take the service as a source")
}

fn start(folder: &Folder, out: &mut dyn Write) -> anyhow::Result<()> {
    let service = open(ServiceAccess::START)?;
    if service.query_status().context(AS_ADMINISTRATOR)?.current_state == ServiceState::Stopped {
        // A server that was killed leaves one behind.
        let _ = fs::remove_file(folder.ready());
        service.start::<&str>(&[]).context("Windows does not start the service")?;
    }
    let state = wait(&service, |it| match it {
        ServiceState::Running => folder.ready().exists(),
        it => it == ServiceState::Stopped,
    })?;
    if state == ServiceState::Stopped {
        bail!("the service stopped at once; why is in the newest file of {}", folder.logs().display());
    }
    writeln!(out, "The service {NAME} runs.")?;
    writeln!(out, "{}", answers(folder))?;
    Ok(())
}

/// Where the service says that it answers.
fn answers(folder: &Folder) -> String {
    let ready = fs::read(folder.ready()).ok().and_then(|it| serde_json::from_slice::<serde_json::Value>(&it).ok());
    let service = ready.as_ref().and_then(|it| it["service"].as_str());
    format!("  answers at  {}\n  logs into   {}", service.unwrap_or("nothing yet"), folder.logs().display())
}

fn stop(service: &Service) -> anyhow::Result<()> {
    if service.query_status().context(AS_ADMINISTRATOR)?.current_state != ServiceState::Stopped {
        service.stop().context("Windows does not stop the service")?;
        wait(service, |it| it == ServiceState::Stopped)?;
    }
    Ok(())
}

/// Looks until the service is in a state.
fn wait(service: &Service, is_there: impl Fn(ServiceState) -> bool) -> anyhow::Result<ServiceState> {
    for _ in 0..PATIENCE.as_millis() / LOOK_AGAIN.as_millis() {
        let state = service.query_status().context("Windows does not tell how the service is")?.current_state;
        if is_there(state) {
            return Ok(state);
        }
        std::thread::sleep(LOOK_AGAIN);
    }
    bail!("the service did not get on in {} seconds; `locmfa service status` tells how it is", PATIENCE.as_secs())
}

fn uninstall(folder: &Folder, out: &mut dyn Write) -> anyhow::Result<()> {
    let service = open(ServiceAccess::STOP | ServiceAccess::DELETE)?;
    stop(&service)?;
    service.delete().context("Windows does not remove the service")?;
    if LOCAL_MACHINE.open(EVENT_SOURCE).is_ok() {
        LOCAL_MACHINE.remove_tree(EVENT_SOURCE).context("the service is gone, its source in the Event Log is not")?;
    }
    writeln!(out, "The service {NAME} is gone. {folder} stays, with the authority and the logs.")?;
    Ok(())
}

fn status(folder: &Folder, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let Some(service) = find(ServiceAccess::empty())? else {
        writeln!(out, "The service {NAME} is not installed.")?;
        return Ok(ExitCode::from(1));
    };
    let state = service.query_status().context(AS_ADMINISTRATOR)?.current_state;
    let config = service.query_config().context(AS_ADMINISTRATOR)?;
    let word = match state {
        ServiceState::Running => "runs",
        ServiceState::Stopped => "is stopped",
        ServiceState::StartPending => "is starting",
        ServiceState::StopPending => "is stopping",
        _ => "is paused",
    };
    writeln!(out, "The service {NAME} {word}.")?;
    if state == ServiceState::Running {
        writeln!(out, "{}", answers(folder))?;
    }
    let account = config.account_name.unwrap_or_default();
    writeln!(out, "  runs as     {}\n  command     {}", account.display(), config.executable_path.display())?;
    Ok(ExitCode::from(u8::from(state != ServiceState::Running)))
}

/// What serves, left by `run` for the thread that Windows starts.
static WORK: Mutex<Option<Work>> = Mutex::new(None);

type Work = Box<dyn FnOnce(Control) -> anyhow::Result<ExitCode> + Send>;

/// Serves as the service, until Windows stops it.
///
/// # Errors
/// It was not Windows that started this program as a service, or there is no place to log to.
pub fn run<W>(folder: &Folder, style: Style, work: W) -> anyhow::Result<ExitCode>
where
    W: FnOnce(Control) -> anyhow::Result<ExitCode> + Send + 'static,
{
    std::env::set_current_dir(folder.path()).with_context(|| format!("cannot go to {folder}"))?;
    // Without a source there are still the files.
    let events = EventLogLayer::new_with_default_id(NAME, Some(EVENT)).ok();
    let events = events.map(|it| it.with_filter(log::notable()));
    tracing_subscriber::registry().with(log::files(&folder.logs(), style)?).with(events).init();
    // A service has no standard error.
    std::panic::set_hook(Box::new(|panic| error!("{panic}")));

    *WORK.lock().expect("nobody panics while holding it") = Some(Box::new(work));
    match service_dispatcher::start(NAME, service_main) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(windows_service::Error::Winapi(error)) if error.raw_os_error() == Some(NOT_STARTED_BY_WINDOWS) => {
            bail!("`locmfa service run` is for Windows to call; `locmfa service start` starts the service")
        }
        Err(error) => Err(error).context("Windows does not take this program for a service"),
    }
}

define_windows_service!(service_main, serve);

/// The service's whole life.
fn serve(_: Vec<OsString>) {
    let (stop, told_to_stop) = oneshot::channel();
    let stop = Mutex::new(Some(stop));
    let handler = move |control| match control {
        ServiceControl::Stop | ServiceControl::Shutdown => {
            if let Some(stop) = stop.lock().ok().and_then(|mut it| it.take()) {
                // Who has ended already need not be told.
                let _ = stop.send(());
            }
            ServiceControlHandlerResult::NoError
        }
        ServiceControl::Interrogate => ServiceControlHandlerResult::NoError,
        _ => ServiceControlHandlerResult::NotImplemented,
    };
    let windows = match service_control_handler::register(NAME, handler) {
        Ok(windows) => windows,
        Err(error) => return error!("Windows does not take this program for a service: {error}"),
    };
    let work = WORK.lock().ok().and_then(|mut it| it.take()).expect("`run` left it");
    tell(windows, ServiceState::StartPending, 0);
    let result = work(Control {
        running: Box::new(move || {
            tell(windows, ServiceState::Running, 0);
            info!("the service {NAME} started");
        }),
        stopping: Box::new(move || tell(windows, ServiceState::StopPending, 0)),
        told_to_stop,
    });
    let code = match result {
        Ok(ExitCode::SUCCESS) => 0,
        Ok(_) => {
            error!("the scenario has mistakes; `locmfa check` shows them");
            1
        }
        Err(error) => {
            error!("{error:#}");
            3
        }
    };
    info!("the service {NAME} stopped");
    tell(windows, ServiceState::Stopped, code);
}

fn tell(windows: ServiceStatusHandle, state: ServiceState, code: u32) {
    let is_pending = matches!(state, ServiceState::StartPending | ServiceState::StopPending);
    let accepts = ServiceControlAccept::STOP | ServiceControlAccept::SHUTDOWN;
    let told = windows.set_service_status(ServiceStatus {
        service_type: ServiceType::OWN_PROCESS,
        current_state: state,
        controls_accepted: if state == ServiceState::Running { accepts } else { ServiceControlAccept::empty() },
        exit_code: if code == 0 { ServiceExitCode::NO_ERROR } else { ServiceExitCode::ServiceSpecific(code) },
        checkpoint: 0,
        wait_hint: if is_pending { PATIENCE } else { Duration::ZERO },
        process_id: None,
    });
    if let Err(error) = told {
        error!("Windows was not told that the service is {state:?}: {error}");
    }
}

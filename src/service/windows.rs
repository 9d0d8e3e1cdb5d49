//! The calls to Windows. This file decides nothing: other systems can neither check nor run it, and only
//! `tests/windows/run` does so, with Wine.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;
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
use super::{ACCOUNT, Control, Ended, Folder, Install, Installed, NAME, RECOVERY, RECOVERY_RESET, State, Status};
use crate::file::{self, Access};
use crate::scenario;

const DISPLAY_NAME: &str = "locmfa, imitation of the Azure MFA Server Web Service SDK";
const DESCRIPTION: &str =
    "Answers Microsoft Identity Manager in place of Azure MFA Server, for tests. It rings no phone.";

/// Where Windows finds the texts of events. EventCreate.exe is part of Windows; its text for each number from 1 to 1000 is
/// the event's own text.
const EVENT_SOURCE: &str = r"SYSTEM\CurrentControlSet\Services\EventLog\Application\locmfa";
const EVENT_MESSAGES: &str = r"%SystemRoot%\System32\EventCreate.exe";
/// Errors, warnings and information.
const EVENT_TYPES: u32 = 7;
const EVENT: u32 = 1;

/// How long a start or a stop may take before Windows reports that the service hangs. A first start makes keys.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(100);

fn folder() -> anyhow::Result<Folder> {
    #[expect(clippy::disallowed_methods, reason = "Windows gives the path in the environment")]
    let data = std::env::var_os("ProgramData")
        .context("the environment has no ProgramData; start the program from PowerShell")?;
    Ok(Folder::below(Path::new(&data)))
}

const AS_ADMINISTRATOR: &str = "Windows refused; start PowerShell as administrator";

fn manager(access: ServiceManagerAccess) -> anyhow::Result<ServiceManager> {
    ServiceManager::local_computer(None::<&str>, access).context(AS_ADMINISTRATOR)
}

/// The service, opened to read its state and for `access`.
fn open(access: ServiceAccess) -> anyhow::Result<Service> {
    find(access)?.ok_or_else(|| anyhow!("the service {NAME} is not installed; `locmfa service install` installs it"))
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

/// Installs the service.
///
/// # Errors
/// A sentence with a remedy where the scenario has mistakes or Windows refuses.
pub fn install(install: &Install) -> anyhow::Result<Installed> {
    let folder = folder()?;
    if find(ServiceAccess::empty())?.is_some() {
        bail!("the service {NAME} is installed already; `locmfa service uninstall` removes it and keeps its folder");
    }
    let manager = manager(ServiceManagerAccess::CONNECT | ServiceManagerAccess::CREATE_SERVICE)?;
    let scenario = install.scenario.as_deref().map(checked).transpose()?;
    let executable = std::env::current_exe().context("cannot find the path of this program")?;
    fs::create_dir_all(folder.logs())
        .with_context(|| format!("cannot make {folder}; start PowerShell as administrator"))?;
    for command in folder.access(&executable) {
        run_command(&command)?;
    }
    if let Some(text) = scenario {
        let copied = file::write(&folder.scenario(), text.as_bytes(), Access::Usual);
        copied.with_context(|| format!("cannot copy the scenario to {folder}; start PowerShell as administrator"))?;
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
    match describe(&service).and_then(|unknown| add_event_source().map(|()| unknown)) {
        Ok(unknown_settings) => Ok(Installed { folder, unknown_settings }),
        Err(error) => {
            service.delete().context("the half-installed service cannot be removed; remove it with sc.exe delete")?;
            Err(error)
        }
    }
}

/// The text of a scenario without mistakes.
fn checked(file: &Path) -> anyhow::Result<String> {
    if scenario::load_file(file).is_err() {
        let file = file.display();
        bail!("{file} has mistakes, so nothing was installed; `locmfa check {file}` shows them");
    }
    Ok(file::read_text(file)?)
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

/// Sets what installing leaves out: the settings that this system does not have.
fn describe(service: &Service) -> anyhow::Result<Vec<&'static str>> {
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
        // The program ends in good order if its port is taken; that is a failure too.
        ("recovery from failures in good order", service.set_failure_actions_on_non_crash_failures(true)),
    ];
    let mut unknown = Vec::new();
    for (setting, taken) in settings {
        match taken {
            Ok(()) => (),
            // Wine, which the tests use, has fewer settings than Windows.
            Err(windows_service::Error::Winapi(error)) if error.raw_os_error() == Some(UNKNOWN_SETTING) => {
                unknown.push(setting);
            }
            Err(error) => return Err(error).context(format!("Windows refuses {setting} for the service")),
        }
    }
    Ok(unknown)
}

fn add_event_source() -> anyhow::Result<()> {
    let source = LOCAL_MACHINE.create(EVENT_SOURCE).and_then(|source| {
        source.set_expand_string("EventMessageFile", EVENT_MESSAGES)?;
        source.set_u32("TypesSupported", EVENT_TYPES)
    });
    source.context("Windows refuses the service as a source of the Event Log")
}

/// Starts the service, and waits until it answers.
///
/// # Errors
/// The service is not installed, Windows refuses, or the service stops at once.
pub fn start() -> anyhow::Result<Folder> {
    let folder = folder()?;
    let service = open(ServiceAccess::START)?;
    if service.query_status().context(AS_ADMINISTRATOR)?.current_state == ServiceState::Stopped {
        // A killed server leaves its ready file.
        let _ = fs::remove_file(folder.ready());
        service.start::<&str>(&[]).context("Windows does not start the service")?;
    }
    let state = wait(&service, |it| match it {
        ServiceState::Running => folder.ready().exists(),
        it => it == ServiceState::Stopped,
    })?;
    if state == ServiceState::Stopped {
        bail!("the service stopped at once; the newest file of {} has the reason", folder.logs().display());
    }
    Ok(folder)
}

/// Stops the service, and waits until it has stopped.
///
/// # Errors
/// The service is not installed, or Windows refuses.
pub fn stop() -> anyhow::Result<()> {
    end(&open(ServiceAccess::STOP)?)
}

fn end(service: &Service) -> anyhow::Result<()> {
    if service.query_status().context(AS_ADMINISTRATOR)?.current_state != ServiceState::Stopped {
        service.stop().context("Windows cannot stop the service; `locmfa service status` shows its state")?;
        wait(service, |it| it == ServiceState::Stopped)?;
    }
    Ok(())
}

/// Waits until the service is in a state.
fn wait(service: &Service, is_there: impl Fn(ServiceState) -> bool) -> anyhow::Result<ServiceState> {
    for _ in 0..PATIENCE.as_millis() / LOOK_AGAIN.as_millis() {
        let state = service.query_status().context("Windows does not report the state of the service")?.current_state;
        if is_there(state) {
            return Ok(state);
        }
        std::thread::sleep(LOOK_AGAIN);
    }
    bail!("the service did not change its state in {} seconds; `locmfa service status` shows it", PATIENCE.as_secs())
}

/// Stops and removes the service, and keeps its folder.
///
/// # Errors
/// The service is not installed, or Windows refuses.
pub fn uninstall() -> anyhow::Result<Folder> {
    let folder = folder()?;
    let service = open(ServiceAccess::STOP | ServiceAccess::DELETE)?;
    end(&service)?;
    service.delete().context("Windows cannot remove the service")?;
    if LOCAL_MACHINE.open(EVENT_SOURCE).is_ok() {
        LOCAL_MACHINE
            .remove_tree(EVENT_SOURCE)
            .context("the service is removed, but its source in the Event Log is not")?;
    }
    Ok(folder)
}

/// The installed service. `None`: it is not installed.
///
/// # Errors
/// Windows refuses.
pub fn status() -> anyhow::Result<Option<Status>> {
    let Some(service) = find(ServiceAccess::empty())? else { return Ok(None) };
    let state = service.query_status().context(AS_ADMINISTRATOR)?.current_state;
    let config = service.query_config().context(AS_ADMINISTRATOR)?;
    let account = config.account_name.unwrap_or_default();
    Ok(Some(Status {
        state: match state {
            ServiceState::Running => State::Running,
            ServiceState::Stopped => State::Stopped,
            ServiceState::StartPending => State::Starting,
            ServiceState::StopPending => State::Stopping,
            _ => State::Paused,
        },
        folder: folder()?,
        account: account.display().to_string(),
        command: config.executable_path.display().to_string(),
    }))
}

/// The work, which `run` leaves for the thread that Windows starts.
static WORK: Mutex<Option<Work>> = Mutex::new(None);

type Work = Box<dyn FnOnce(Control) -> anyhow::Result<Ended> + Send>;

/// Serves as the service, until Windows stops it.
///
/// # Errors
/// Windows did not start this program as a service, or the logs cannot be written.
pub fn run<W>(folder: &Folder, style: Style, work: W) -> anyhow::Result<()>
where
    W: FnOnce(Control) -> anyhow::Result<Ended> + Send + 'static,
{
    std::env::set_current_dir(folder.path()).with_context(|| format!("cannot use {folder} as working directory"))?;
    // Without a source in the Event Log, the files are enough.
    let events = EventLogLayer::new_with_default_id(NAME, Some(EVENT)).ok();
    let events = events.map(|it| it.with_filter(log::notable()));
    let (files, writer) = log::files(&folder.logs(), style)?;
    tracing_subscriber::registry().with(files).with(events).init();
    // A service has no standard error.
    std::panic::set_hook(Box::new(|panic| error!("{panic}")));

    *WORK.lock().expect("no thread panics while it holds the lock") = Some(Box::new(work));
    let started = service_dispatcher::start(NAME, service_main);
    writer.flush(LAST_LINES);
    match started {
        Ok(()) => Ok(()),
        Err(windows_service::Error::Winapi(error)) if error.raw_os_error() == Some(NOT_STARTED_BY_WINDOWS) => {
            bail!("only Windows calls `locmfa service run`; `locmfa service start` starts the service")
        }
        Err(error) => Err(error).context("Windows refuses this program as a service"),
    }
}

/// The time for the last lines of the log to reach the disk.
const LAST_LINES: Duration = Duration::from_secs(1);

define_windows_service!(service_main, serve);

/// Runs the service from its start to its end.
fn serve(_: Vec<OsString>) {
    let (sender, stop) = oneshot::channel();
    let sender = Mutex::new(Some(sender));
    let handler = move |control| match control {
        ServiceControl::Stop | ServiceControl::Shutdown => {
            if let Some(sender) = sender.lock().ok().and_then(|mut it| it.take()) {
                // The server may have ended already.
                let _ = sender.send(());
            }
            ServiceControlHandlerResult::NoError
        }
        ServiceControl::Interrogate => ServiceControlHandlerResult::NoError,
        _ => ServiceControlHandlerResult::NotImplemented,
    };
    let windows = match service_control_handler::register(NAME, handler) {
        Ok(windows) => windows,
        Err(error) => return error!("Windows refuses this program as a service: {error}"),
    };
    let work = WORK.lock().ok().and_then(|mut it| it.take()).expect("`run` left it");
    report(windows, ServiceState::StartPending, 0);
    let result = work(Control {
        running: Box::new(move || {
            report(windows, ServiceState::Running, 0);
            info!("the service {NAME} started");
        }),
        stopping: Box::new(move || report(windows, ServiceState::StopPending, 0)),
        stop,
    });
    let code = match result {
        Ok(Ended::Stopped) => 0,
        Ok(Ended::HasMistakes) => {
            error!("the scenario has mistakes; `locmfa check` shows them");
            1
        }
        Err(error) => {
            error!("{error:#}");
            3
        }
    };
    info!("the service {NAME} stopped");
    report(windows, ServiceState::Stopped, code);
}

fn report(windows: ServiceStatusHandle, state: ServiceState, code: u32) {
    let is_pending = matches!(state, ServiceState::StartPending | ServiceState::StopPending);
    let accepts = ServiceControlAccept::STOP | ServiceControlAccept::SHUTDOWN;
    let reported = windows.set_service_status(ServiceStatus {
        service_type: ServiceType::OWN_PROCESS,
        current_state: state,
        controls_accepted: if state == ServiceState::Running { accepts } else { ServiceControlAccept::empty() },
        exit_code: if code == 0 { ServiceExitCode::NO_ERROR } else { ServiceExitCode::ServiceSpecific(code) },
        checkpoint: 0,
        wait_hint: if is_pending { PATIENCE } else { Duration::ZERO },
        process_id: None,
    });
    if let Err(error) = reported {
        error!("cannot report to Windows that the service is {state:?}: {error}");
    }
}

//! One server that runs beside xtask and never longer than it.

use std::{
    ffi::OsStr,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use tempfile::TempDir;

/// The shell program between xtask and the server. Without it, a killed xtask would leave its servers
/// behind: nobody but a living process can end another one.
const SUPERVISE: &str = include_str!("supervise.sh");

/// They start within a second or two; more only on a machine that is very busy.
const START_LIMIT: Duration = Duration::from_secs(60);

/// How long to wait before looking again whether a server is ready.
const PAUSE: Duration = Duration::from_millis(25);

/// A running server with a temporary folder of its own, which is its current folder. Both end when
/// this is dropped, and when this process ends, in whatever way.
#[derive(Debug)]
pub(super) struct Server {
    name: &'static str,
    folder: PathBuf,
    /// The supervisor. Its standard input is what keeps the server alive.
    process: Child,
}

/// How a server is ended, which leaves nothing that anybody needs.
#[derive(Debug, Clone, Copy)]
pub(super) enum End {
    /// At once.
    Kill,
    /// By SIGQUIT: at once, but what it has outside of its folder, such as shared memory, it frees.
    Quit,
}

impl Server {
    /// Starts a program in an empty folder, after `prepare` put into it what it needs.
    ///
    /// # Errors
    /// When there is no shell or no room for temporary files, or `prepare` fails.
    pub(super) fn start<S: AsRef<OsStr>>(
        name: &'static str,
        end: End,
        program: &Path,
        args: impl IntoIterator<Item = S>,
        prepare: impl FnOnce(&Path) -> anyhow::Result<()>,
    ) -> anyhow::Result<Self> {
        let signal = match end {
            End::Kill => "KILL",
            End::Quit => "QUIT",
        };
        let folder = tempfile::Builder::new()
            .prefix(&format!("tundra-{name}-"))
            .tempdir()
            .context("could not make a temporary folder")?;
        prepare(folder.path())?;
        let process = Command::new("sh")
            .args(["-c", SUPERVISE, "sh", signal])
            .arg(folder.path())
            .arg(program)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            // Ctrl-C is for xtask: the server's end follows from its end.
            .process_group(0)
            .spawn()
            .with_context(|| format!("could not start `sh` for {name}"))?;
        // From here on it is the supervisor's to remove.
        let folder = TempDir::keep(folder);
        Ok(Self { name, folder, process })
    }

    /// Returns the server's folder.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Tries until `ready` succeeds.
    ///
    /// # Errors
    /// When the server ended by itself, or is not ready after a minute: then with the last thing that
    /// `ready` said.
    pub(super) fn wait_until<T>(
        &mut self,
        mut ready: impl FnMut() -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let limit = Instant::now() + START_LIMIT;
        loop {
            let answer = ready();
            // Looked at after each try: another program may have taken the port and answered.
            if let Some(status) = self.ended() {
                bail!("{} ended by itself ({status})", self.name);
            }
            match answer {
                Ok(answer) => return Ok(answer),
                Err(error) if Instant::now() > limit => {
                    return Err(error).with_context(|| format!("{} does not start", self.name));
                }
                Err(_) => thread::sleep(PAUSE),
            }
        }
    }

    /// Returns how the server ended, if it did so by itself.
    pub(super) fn ended(&mut self) -> Option<String> {
        self.process.try_wait().ok().flatten().map(|status| status.to_string())
    }

    /// Returns the server's name.
    pub(super) fn name(&self) -> &'static str {
        self.name
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        // It ends the server, and so ends at once.
        let _ = self.process.wait();
    }
}

/// Returns an address that nobody listens at. Somebody may take it before a server does, so that
/// starting one is tried again.
///
/// # Errors
/// When there is no free port.
pub(super) fn free_address() -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("there is no free port")?;
    Ok(listener.local_addr()?)
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Read};

    use super::*;

    fn is_alive(process: &str) -> bool {
        // A process that ended and was not waited for yet is still listed.
        fs::read_to_string(format!("/proc/{process}/stat"))
            .is_ok_and(|stat| !stat.contains(") Z ") && !stat.contains(") X "))
    }

    fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
        let limit = Instant::now() + Duration::from_secs(30);
        while !is_so() {
            assert!(Instant::now() < limit, "{what}");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// A server that says its process and that of a child, and never ends.
    const SERVER: &str = "sleep 1000 & echo $$ > me; echo $! > child; wait";

    fn start() -> (Server, PathBuf, [String; 2]) {
        let mut server =
            Server::start("test", End::Kill, Path::new("sh"), ["-c", SERVER], |_| Ok(())).unwrap();
        let folder = server.folder().to_owned();
        let processes = server
            .wait_until(|| {
                let child = fs::read_to_string(folder.join("child"))?;
                anyhow::ensure!(child.ends_with('\n'));
                Ok([fs::read_to_string(folder.join("me"))?, child].map(|id| id.trim().to_owned()))
            })
            .unwrap();
        (server, folder, processes)
    }

    #[test]
    fn a_dropped_server_is_gone_with_its_children_and_its_folder() {
        let (server, folder, [server_id, child]) = start();
        assert!(is_alive(&server_id) && is_alive(&child) && folder.is_dir());
        drop(server);
        assert!(!is_alive(&server_id) && !folder.exists());
        wait_for("its child is still there", || !is_alive(&child));
    }

    #[test]
    fn a_server_ends_when_nobody_holds_it_any_more() {
        // As when xtask is killed: the pipe closes and nobody waits.
        let (mut server, folder, [server_id, child]) = start();
        drop(server.process.stdin.take());
        wait_for("it is still there", || {
            !is_alive(&server_id) && !is_alive(&child) && !folder.exists()
        });
    }

    #[test]
    fn a_server_that_ends_by_itself_is_told() {
        let mut server =
            Server::start("test", End::Kill, Path::new("sh"), ["-c", "exit 3"], |_| Ok(()))
                .unwrap();
        let error = server.wait_until(|| -> anyhow::Result<()> { bail!("not yet") }).unwrap_err();
        assert_eq!(error.to_string(), "test ended by itself (exit status: 3)");
    }

    #[test]
    fn a_free_address_can_be_listened_at() {
        let listener = TcpListener::bind(free_address().unwrap()).unwrap();
        let mut client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        drop(listener.accept().unwrap());
        assert_eq!(client.read(&mut [0]).unwrap(), 0);
    }
}

//! A server that stands for PostgREST, before a database of its own.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};

use crate::{Database, env};

/// A PostgREST with its database. Both end when it is dropped.
#[derive(Debug)]
pub struct PostgRest {
    // Dropped first, so that nobody is connected to the database any more.
    server: Running,
    database: Database,
}

/// A user with a token that PostgREST takes.
#[derive(Debug, Clone, Copy)]
pub struct User {
    /// The user's id, a UUID.
    pub id: &'static str,
    /// The token.
    pub token: &'static str,
}

/// What the tokens are signed with, by HS256.
pub const TOKEN_SECRET: &str = "tests-of-tundra-and-nothing-else";

/// A token of the role `service_role`.
const SERVICE_TOKEN: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.\
    eyJyb2xlIjoic2VydmljZV9yb2xlIn0.wCbnS3oAwKvJzjQPkzF-v2wcjaw3Rw-x_AC3p7Iiwlw";

/// Two users of the role `authenticated`. What they are members of is for the test to say.
pub const MEMBER: User = User {
    id: "11111111-1111-4111-8111-111111111111",
    token: "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.\
        eyJyb2xlIjoiYXV0aGVudGljYXRlZCIsInN1YiI6IjExMTExMTExLTExMTEtNDExMS04MTExLTExMTExMTExMTExMSJ9.\
        3vJRgCL-rDKTJC8-rhPmQ4AiPz3nkYPEh0oXgbm2JL0",
};

/// The other one.
pub const STRANGER: User = User {
    id: "22222222-2222-4222-8222-222222222222",
    token: "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.\
        eyJyb2xlIjoiYXV0aGVudGljYXRlZCIsInN1YiI6IjIyMjIyMjIyLTIyMjItNDIyMi04MjIyLTIyMjIyMjIyMjIyMiJ9.\
        PpZEoUdG-1Grlf2P0wstPRtR9zAfq1WTFVZhitkpXog",
};

/// It starts within a fraction of a second; more only on a machine that is very busy.
const START_LIMIT: Duration = Duration::from_secs(60);

/// The port that was free may be taken when the server comes to it.
const TRIES: usize = 3;

impl PostgRest {
    /// Runs SQL in an empty database, which must make the roles `anon` and `service_role`, and serves
    /// its schema `public`.
    ///
    /// # Errors
    /// When the tests were not started by `cargo xtask test`, PostgreSQL refuses the SQL, or the server
    /// does not start.
    pub fn start(sql: &[&str]) -> anyhow::Result<Self> {
        Self::start_with(sql, &[])
    }

    /// Starts it with settings besides, such as `PGRST_DB_MAX_ROWS`.
    ///
    /// # Errors
    /// As [`PostgRest::start`].
    pub fn start_with(sql: &[&str], settings: &[(&str, &str)]) -> anyhow::Result<Self> {
        let database = Database::create()?;
        for sql in sql {
            database.run(sql)?;
        }
        Ok(Self { server: Running::start(&database, settings)?, database })
    }

    /// Ends the server and starts it again on the same database, at another address.
    ///
    /// # Errors
    /// When it does not start.
    pub fn restart(self) -> anyhow::Result<Self> {
        let Self { server, database } = self;
        drop(server);
        Ok(Self { server: Running::start(&database, &[])?, database })
    }

    /// Returns where it is, such as `http://127.0.0.1:40000`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.server.address)
    }

    /// Returns a key with all rights, as that of Supabase's service role: a token.
    #[must_use]
    pub fn service_key(&self) -> &'static str {
        SERVICE_TOKEN
    }

    /// Returns its database.
    #[must_use]
    pub fn database(&self) -> &Database {
        &self.database
    }
}

#[derive(Debug)]
struct Running {
    address: SocketAddr,
    process: Child,
}

impl Running {
    fn start(database: &Database, settings: &[(&str, &str)]) -> anyhow::Result<Self> {
        let mut tried = Self::try_start(database, settings);
        for _ in 1..TRIES {
            if tried.is_ok() {
                break;
            }
            tried = Self::try_start(database, settings);
        }
        tried
    }

    fn try_start(database: &Database, settings: &[(&str, &str)]) -> anyhow::Result<Self> {
        let program = env::postgrest()?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
        let address = listener.local_addr()?;
        drop(listener);
        let process = Command::new(&program)
            .env_clear()
            .env("DATABASE_URL", database.url())
            .env("PGRST_DB_SCHEMAS", "public")
            .env("PGRST_DB_ANON_ROLE", "anon")
            .env("PGRST_DB_POOL", "10")
            .env("PGRST_JWT_SECRET", TOKEN_SECRET)
            .env("PGRST_SERVER_HOST", address.ip().to_string())
            .env("PGRST_SERVER_PORT", address.port().to_string())
            // As PostgREST does it, also where Postrust's own way differs.
            .env("PGRST_COMPAT_MODE", "true")
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("could not start `{program}`"))?;
        let mut running = Self { address, process };
        let limit = Instant::now() + START_LIMIT;
        while !running.answers() {
            if let Some(status) = running.process.try_wait()? {
                bail!("`{program}` ended by itself ({status})");
            }
            if Instant::now() > limit {
                bail!("`{program}` does not start");
            }
            // There is nothing to be told by.
            thread::sleep(Duration::from_millis(10));
        }
        Ok(running)
    }

    fn answers(&self) -> bool {
        let asked =
            TcpStream::connect_timeout(&self.address, START_LIMIT).and_then(|mut stream| {
                stream.set_read_timeout(Some(START_LIMIT))?;
                let address = self.address;
                let request =
                    format!("HEAD / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
                stream.write_all(request.as_bytes())?;
                let mut answer = [0; 5];
                stream.read_exact(&mut answer)?;
                Ok(&answer == b"HTTP/")
            });
        asked.unwrap_or(false)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended when this fails.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

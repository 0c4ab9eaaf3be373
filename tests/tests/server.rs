//! The real server as a process, before real PostgreSQL and MariaDB, with its objects in Garage and its
//! catalog in a PostgREST behind what stands for Supabase's gateway.
//!
//! Every request that the documents of Tundra 4.0 and 3.0 have is sent as it stands there and answered as it
//! says there, and what came since is gone through to its end. What was written is read with PyArrow and held
//! against the source. Each test has a server, a catalog and a bucket of its own: see [`stack::Stack`].

mod stack;
mod until;

// A test stands in the modules of the services that it needs, by which `cargo xtask test` starts them.
mod postgresql {
    mod postgrest {
        mod garage {
            mod adbc;
            mod connection;
            mod convert_database;
            mod convert_file;
            mod ending;
            mod infer;
            mod jobs;
            mod mariadb;
            mod organisations;
            mod rates;
            mod service;
            mod signed_urls;
            mod uploads;
        }
    }
}

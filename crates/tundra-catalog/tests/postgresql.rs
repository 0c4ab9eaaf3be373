//! The catalog of Supabase on a real PostgreSQL: what its SQL makes, and what is kept in it.

mod migrations;
mod postgrest;

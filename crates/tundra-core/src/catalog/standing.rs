//! How a catalog stands with the server behind it: [`CatalogStanding`].

/// How a catalog stands with the server that it asks, as far as it has met it. The default is that of a
/// catalog without one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CatalogStanding {
    /// What the circuit breaker before the server does; `None` where there is none.
    pub breaker: Option<BreakerState>,
    /// Requests that are on their way to the server.
    pub requests: usize,
}

/// What a circuit breaker does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// It lets everything through.
    Closed,
    /// The server has failed, and the next request decides whether it is asked again.
    HalfOpen,
    /// It refuses everything, because the server keeps failing.
    Open,
}

//! How often a caller may ask: [`Limiter`], one for each group of routes.
//!
//! A caller has as many requests as the limit says at once, and gets them back evenly over the minute. It is
//! known by who it is, and by its address where nobody is asked who they are. What is remembered is
//! bounded: who has all requests again is forgotten, and when too many addresses come at once, new ones
//! share what one has.

mod streams;

use std::{
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    extract::{Request, State},
    http::{Extensions, HeaderMap, HeaderName, HeaderValue, StatusCode},
    middleware::Next,
    response::{IntoResponse, Response},
};
use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::StateInformationMiddleware,
    state::keyed::DashMapStateStore,
};
use tundra_access::Via;

pub(crate) use self::streams::Streams;
use crate::{
    Failure,
    layers::{authentication::Caller, client::Client},
};

/// Every header that says how often a caller may ask: those that most clients know, and those of the IETF's
/// draft (draft-ietf-httpapi-ratelimit-headers).
pub(super) const HEADERS: [HeaderName; 5] =
    [RATE_LIMIT, RATE_LIMIT_POLICY, LIMIT, REMAINING, RESET];
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// How many addresses are remembered: some megabytes.
const MOST_ADDRESSES: usize = 1 << 16;

/// After how many requests it is first looked whom to forget.
const FIRST_SWEEP: usize = 1 << 10;

/// Says how often each caller may ask for what a group of routes does.
pub(crate) struct Limiter<C: Clock = DefaultClock> {
    group: &'static str,
    limits: Option<Limits<C>>,
}

struct Limits<C: Clock> {
    per_minute: NonZeroU32,
    states: RateLimiter<Key, DashMapStateStore<Key>, C, StateInformationMiddleware>,
    clock: C,
    /// Requests since the last sweep, and after how many there is another: as many as there were callers
    /// then, so that a sweep costs each request the same however many there are.
    requests: AtomicUsize,
    next_sweep: AtomicUsize,
}

/// Whose requests are counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    /// Those of somebody who is known.
    Caller(Via, String),
    /// Those from an address; with IPv6, from a network, because nobody is given a single address there.
    Address(IpAddr),
    /// Those of all others.
    Others,
}

/// What was decided about a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Decision {
    limit: u32,
    /// How many more there may be now.
    remaining: u32,
    /// After which time there is certainly one more.
    reset: Duration,
    allowed: bool,
}

impl Limiter {
    /// Makes one for a group of routes, whose name callers see. Without a limit it does nothing.
    pub(crate) fn new(group: &'static str, per_minute: Option<NonZeroU32>) -> Arc<Self> {
        Arc::new(Self::with_clock(group, per_minute, DefaultClock::default()))
    }
}

/// Counts a request, and answers in place of the route when there were too many.
pub(crate) async fn limit(
    State(limiter): State<Arc<Limiter>>,
    request: Request,
    next: Next,
) -> Response {
    let Some(limits) = &limiter.limits else { return next.run(request).await };
    let decision = limits.decide(request.extensions());
    let mut response = if decision.allowed {
        next.run(request).await
    } else {
        decision.refusal(limiter.group).into_response()
    };
    decision.tell(limiter.group, response.headers_mut());
    response
}

impl<C: Clock + Clone> Limiter<C> {
    fn with_clock(group: &'static str, per_minute: Option<NonZeroU32>, clock: C) -> Self {
        let limits = per_minute.map(|per_minute| {
            let states = DashMapStateStore::default();
            Limits {
                per_minute,
                states: RateLimiter::new(Quota::per_minute(per_minute), states, clock.clone()),
                clock,
                requests: AtomicUsize::new(0),
                next_sweep: AtomicUsize::new(FIRST_SWEEP),
            }
        });
        Self { group, limits }
    }
}

impl<C: Clock> Limits<C> {
    fn decide(&self, about: &Extensions) -> Decision {
        self.sweep();
        let limit = self.per_minute.get();
        match self.states.check_key(&self.key(about)) {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                let reset = state.quota().replenish_interval();
                Decision { limit, remaining, reset, allowed: true }
            }
            Err(until) => {
                let reset = until.wait_time_from(self.clock.now());
                Decision { limit, remaining: 0, reset, allowed: false }
            }
        }
    }

    /// Returns whose request it is.
    fn key(&self, about: &Extensions) -> Key {
        match Key::of(about) {
            // Nobody can choose to be another caller, but many addresses are easily had.
            Key::Address(_) if self.states.len() >= MOST_ADDRESSES => Key::Others,
            key => key,
        }
    }

    /// Forgets who has all requests again, now and then.
    fn sweep(&self) {
        let requests = self.requests.fetch_add(1, Ordering::Relaxed);
        if requests < self.next_sweep.load(Ordering::Relaxed) {
            return;
        }
        self.requests.store(0, Ordering::Relaxed);
        self.states.retain_recent();
        self.next_sweep.store(self.states.len().max(FIRST_SWEEP), Ordering::Relaxed);
    }
}

impl Key {
    /// Returns whose request it is. Everybody at this machine is the same person to an authenticator that is
    /// not there, so that they are told apart by their addresses.
    pub(crate) fn of(about: &Extensions) -> Self {
        match about.get::<Caller>() {
            Some(Caller(who)) if who.via != Via::Local => {
                Self::Caller(who.via, who.subject.clone())
            }
            _ => Self::of_address(about),
        }
    }

    /// Returns from where it is.
    pub(crate) fn of_address(about: &Extensions) -> Self {
        match about.get::<Client>() {
            Some(Client(IpAddr::V6(address))) => Self::Address(network(*address).into()),
            Some(Client(address)) => Self::Address(*address),
            None => Self::Others,
        }
    }
}

impl Decision {
    fn refusal(self, group: &str) -> Failure {
        let Self { limit, reset, .. } = self;
        let detail = format!("there were more than {limit} requests to `{group}` in a minute");
        Failure::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", detail)
            .hint("wait as long as `Retry-After` says, and spread requests over the minute")
            .retry_after(reset)
    }

    /// Says how many there may be, and when there is one more.
    fn tell(self, group: &str, headers: &mut HeaderMap) {
        let Self { limit, remaining, reset, .. } = self;
        // As `Retry-After`, which says the same when there is none left.
        let reset = (reset.as_secs() + u64::from(reset.subsec_nanos() > 0)).max(1);
        headers.insert(LIMIT, HeaderValue::from(limit));
        headers.insert(REMAINING, HeaderValue::from(remaining));
        headers.insert(RESET, HeaderValue::from(reset));
        for (name, text) in [
            (RATE_LIMIT_POLICY, format!("\"{group}\";q={limit};w=60")),
            (RATE_LIMIT, format!("\"{group}\";r={remaining};t={reset}")),
        ] {
            // The names of groups are plain, so that it always is a header value.
            if let Ok(value) = HeaderValue::from_str(&text) {
                headers.insert(name, value);
            }
        }
    }
}

/// Returns the network that an address of IPv6 is in; a subscriber has one of this size at least.
fn network(address: Ipv6Addr) -> Ipv6Addr {
    Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64))
}

#[cfg(test)]
mod tests {
    use axum::{
        Router,
        body::{Body, to_bytes},
        middleware::from_fn_with_state,
        routing::get,
    };
    use governor::clock::FakeRelativeClock;
    use tower::ServiceExt as _;
    use tundra_access::{Actions, Principal};

    use super::*;

    fn per_minute(number: u32) -> Option<NonZeroU32> {
        NonZeroU32::new(number)
    }

    fn from(address: &str) -> Extensions {
        let mut about = Extensions::new();
        about.insert(Client(address.parse().unwrap()));
        about
    }

    fn by(via: Via, subject: &str, address: &str) -> Extensions {
        let mut about = from(address);
        let subject = subject.to_owned();
        about.insert(Caller(Principal { subject, tenant: None, actions: Actions::ALL, via }));
        about
    }

    #[test]
    fn requests_come_back_evenly_over_the_minute() {
        let clock = FakeRelativeClock::default();
        let limiter = Limiter::with_clock("convert", per_minute(10), clock.clone());
        let decide = || limiter.limits.as_ref().unwrap().decide(&from("1.1.1.1"));
        for left in (0..10).rev() {
            let decision = decide();
            assert!(decision.allowed);
            assert_eq!((decision.remaining, decision.reset), (left, Duration::from_secs(6)));
        }
        clock.advance(Duration::from_secs(2));
        let refused = decide();
        assert_eq!((refused.allowed, refused.remaining), (false, 0));
        assert_eq!(refused.reset, Duration::from_secs(4));
        clock.advance(refused.reset);
        assert!(decide().allowed);
        assert!(!decide().allowed);
        clock.advance(Duration::from_secs(60));
        assert_eq!(decide().remaining, 9);
    }

    #[test]
    fn each_caller_has_its_own_requests_wherever_it_comes_from() {
        let limiter = Limiter::with_clock("infer", per_minute(1), FakeRelativeClock::default());
        let allowed = |about| limiter.limits.as_ref().unwrap().decide(&about).allowed;
        assert!(allowed(by(Via::ApiKey, "a", "1.1.1.1")));
        assert!(!allowed(by(Via::ApiKey, "a", "2.2.2.2")));
        assert!(allowed(by(Via::Jwt, "a", "1.1.1.1")));
        assert!(allowed(by(Via::ApiKey, "b", "1.1.1.1")));
        // Whoever is at this machine is told apart by the address.
        assert!(allowed(by(Via::Local, "local", "1.1.1.1")));
        assert!(!allowed(by(Via::Local, "local", "1.1.1.1")));
        assert!(!allowed(from("1.1.1.1")));
        assert!(allowed(by(Via::Local, "local", "2.2.2.2")));
        // A subscriber of IPv6 has more addresses than anybody can count.
        assert!(allowed(from("2606:4700:1:2::1")));
        assert!(!allowed(from("2606:4700:1:2:ffff::9")));
        assert!(allowed(from("2606:4700:1:3::1")));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let clock = FakeRelativeClock::default();
        let limiter = Limiter::with_clock("infer", per_minute(1), clock.clone());
        let limits = limiter.limits.as_ref().unwrap();
        let address = |number: u32| {
            let mut about = Extensions::new();
            about.insert(Client(std::net::Ipv4Addr::from(number).into()));
            about
        };
        let most = MOST_ADDRESSES as u32;
        assert!((0..most + 1).all(|number| limits.decide(&address(number)).allowed));
        // The crowd has used its one request; somebody who is known has their own.
        assert!(!limits.decide(&address(most + 1)).allowed);
        assert!(limits.decide(&by(Via::ApiKey, "a", "9.9.9.9")).allowed);
        assert!(limits.states.len() <= MOST_ADDRESSES + 2);
        // A minute later they have all requests again, and are forgotten.
        clock.advance(Duration::from_secs(121));
        for number in 0..2 * most {
            limits.decide(&address(number % 10));
        }
        assert!(limits.states.len() <= FIRST_SWEEP, "{}", limits.states.len());
    }

    #[tokio::test]
    async fn a_refusal_says_when_to_come_back() {
        let limiter = Limiter::new("convert", per_minute(2));
        let unlimited = Limiter::new("convert", None);
        let router = |limiter: Arc<Limiter>| {
            let layer = from_fn_with_state(limiter, limit);
            Router::new().route("/", get(async || "done")).route_layer(layer)
        };
        let (limited, unlimited) = (router(limiter), router(unlimited));
        let ask = async |router: &Router| {
            router.clone().oneshot(Request::new(Body::empty())).await.unwrap()
        };
        for remaining in ["1", "0"] {
            let response = ask(&limited).await;
            assert_eq!(response.status(), 200);
            assert_eq!(response.headers()[REMAINING], remaining);
            assert_eq!(response.headers()[LIMIT], "2");
        }
        let response = ask(&limited).await;
        assert_eq!(response.status(), 429);
        let headers = response.headers();
        // A moment of the half minute may have passed.
        let wait = headers["retry-after"].to_str().unwrap().to_owned();
        assert!(["29", "30"].contains(&wait.as_str()), "{wait}");
        assert_eq!(headers[RESET], wait.as_str());
        assert_eq!(headers[RATE_LIMIT_POLICY], "\"convert\";q=2;w=60");
        assert_eq!(headers[RATE_LIMIT], format!("\"convert\";r=0;t={wait}").as_str());
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["code"], "rate_limited");

        for _ in 0..100 {
            let response = ask(&unlimited).await;
            assert_eq!(response.status(), 200);
            assert!(!response.headers().contains_key(LIMIT));
        }
    }
}

//! Where spans are sent, and which: [`TraceSettings`], by the variables that OpenTelemetry names.

use std::{fmt, time::Duration};

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;
use tundra_core::{Classify, ErrorKind, Retry};
use url::Url;

/// Where the protocol has spans, below the address of a collector.
const PATH: &str = "v1/traces";

/// The service's name where nobody says another: that of `/health`.
const SERVICE: &str = "halatio-tundra";

/// How long a batch may take where nobody says, as OpenTelemetry has it.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Where spans are sent, and which.
#[derive(Clone, PartialEq)]
pub struct TraceSettings {
    /// Where they are sent by POST: with its path.
    pub endpoint: Url,
    /// What each of these requests carries. Keys are among them: nothing shows their values.
    pub headers: HeaderMap,
    /// How long one batch may take, with all of its tries.
    pub timeout: Duration,
    /// Under which name the service is known.
    pub service_name: String,
    /// What else is said of it.
    pub attributes: Vec<(String, String)>,
    /// Which spans are sent.
    pub sampling: Sampling,
}

/// Which spans are sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sampling {
    /// Of which share of the traces, from 0 to 1.
    pub share: f64,
    /// Whether a request that says of which trace it is a part decides for itself.
    pub by_parent: bool,
}

/// A variable that makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the environment variable `{variable}` {fault}")]
pub struct TraceSettingsError {
    variable: String,
    /// Without the value, which may be a key.
    fault: &'static str,
}

impl TraceSettings {
    /// Returns settings for a collector whose address has its path, with what is usual for the rest.
    pub fn new(endpoint: Url) -> Self {
        Self {
            endpoint,
            headers: HeaderMap::new(),
            timeout: TIMEOUT,
            service_name: SERVICE.to_owned(),
            attributes: Vec::new(),
            sampling: Sampling { share: 1.0, by_parent: true },
        }
    }

    /// Takes what the variables of OpenTelemetry say; `None` where no collector is named, or they say that
    /// nothing is sent. A variable for traces (`OTEL_EXPORTER_OTLP_TRACES_…`) wins over that for everything.
    ///
    /// # Errors
    /// When one of them makes no sense.
    ///
    /// # Examples
    /// ```
    /// use tundra_server::TraceSettings;
    ///
    /// let of = |name: &str| {
    ///     (name == "OTEL_EXPORTER_OTLP_ENDPOINT").then(|| "http://localhost:4318".to_owned())
    /// };
    /// let settings = TraceSettings::from_vars(of)?.expect("a collector is named");
    /// assert_eq!(settings.endpoint.as_str(), "http://localhost:4318/v1/traces");
    /// assert!(TraceSettings::from_vars(|_| None)?.is_none());
    /// # Ok::<(), tundra_server::TraceSettingsError>(())
    /// ```
    pub fn from_vars(
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, TraceSettingsError> {
        let text = |name: &str| {
            let text = variable(name)?.trim().to_owned();
            (!text.is_empty()).then_some(text)
        };
        // As OpenTelemetry has it, everything but `true` is false.
        if text("OTEL_SDK_DISABLED").is_some_and(|text| text.eq_ignore_ascii_case("true")) {
            return Ok(None);
        }
        let exporter = "OTEL_TRACES_EXPORTER";
        match text(exporter).as_deref() {
            None | Some("otlp") => {}
            Some("none") => return Ok(None),
            Some(_) => return Err(error(exporter, "must be `otlp` or `none`")),
        }
        // The one for traces, with its name, or else the one for everything.
        let either = |name: &str| {
            let own = format!("OTEL_EXPORTER_OTLP_TRACES_{name}");
            let all = format!("OTEL_EXPORTER_OTLP_{name}");
            text(&own).map(|text| (own, text)).or_else(|| text(&all).map(|text| (all, text)))
        };
        let Some((name, address)) = either("ENDPOINT") else { return Ok(None) };
        let mut endpoint = endpoint(&name, &address)?;
        if !name.contains("TRACES") {
            let path = format!("{}/{PATH}", endpoint.path().trim_end_matches('/'));
            endpoint.set_path(&path);
        }
        let mut settings = Self::new(endpoint);
        if let Some((name, protocol)) = either("PROTOCOL")
            && protocol != "http/protobuf"
        {
            return Err(error(&name, "must be `http/protobuf`, which is what is spoken here"));
        }
        if let Some((name, pairs)) = either("HEADERS") {
            settings.headers = headers(&name, &pairs)?;
        }
        if let Some((name, time)) = either("TIMEOUT") {
            let time = time.parse::<u64>().ok().filter(|time| *time > 0);
            let time =
                time.ok_or_else(|| error(&name, "must be a whole number of milliseconds"))?;
            settings.timeout = Duration::from_millis(time);
        }
        let name = "OTEL_RESOURCE_ATTRIBUTES";
        if let Some(attributes) = text(name) {
            settings.attributes = pairs(name, &attributes)?;
        }
        let is_service = |pair: &(String, String)| pair.0 == "service.name";
        if let Some(at) = settings.attributes.iter().position(is_service) {
            settings.service_name = settings.attributes.remove(at).1;
        }
        if let Some(service) = text("OTEL_SERVICE_NAME") {
            settings.service_name = service;
        }
        settings.sampling = sampling(text("OTEL_TRACES_SAMPLER"), text("OTEL_TRACES_SAMPLER_ARG"))?;
        Ok(Some(settings))
    }
}

fn error(variable: &str, fault: &'static str) -> TraceSettingsError {
    TraceSettingsError { variable: variable.to_owned(), fault }
}

fn endpoint(name: &str, text: &str) -> Result<Url, TraceSettingsError> {
    let parsed = Url::parse(text).ok();
    let url = parsed.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let form = "must be an address such as `http://localhost:4318`";
    let url = url.ok_or_else(|| error(name, form))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(error(name, "has a user or a password, which belong into the headers"));
    }
    Ok(url)
}

fn headers(name: &str, text: &str) -> Result<HeaderMap, TraceSettingsError> {
    let wrong = || error(name, "must be headers such as `api-key=…`, with commas between them");
    let mut headers = HeaderMap::new();
    for (key, value) in pairs(name, text)? {
        let key = HeaderName::try_from(key).map_err(|_| wrong())?;
        let mut value = HeaderValue::try_from(value).map_err(|_| wrong())?;
        value.set_sensitive(true);
        headers.insert(key, value);
    }
    Ok(headers)
}

/// Reads `name=value` with commas between them; what a value cannot have otherwise is written as in a URL.
fn pairs(name: &str, text: &str) -> Result<Vec<(String, String)>, TraceSettingsError> {
    let pairs = text.split(',').map(str::trim).filter(|pair| !pair.is_empty());
    let read = |pair: &str| {
        let (key, value) = pair.split_once('=')?;
        let key = key.trim();
        let value = percent_decode_str(value.trim()).decode_utf8().ok()?;
        (!key.is_empty()).then(|| (key.to_owned(), value.into_owned()))
    };
    pairs
        .map(|pair| {
            let form = "must be `name=value`, with commas between several";
            read(pair).ok_or_else(|| error(name, form))
        })
        .collect()
}

fn sampling(
    name: Option<String>,
    argument: Option<String>,
) -> Result<Sampling, TraceSettingsError> {
    let share = |text: Option<String>| {
        let fault = "must be a number from 0 to 1";
        let Some(text) = text else { return Ok(1.0) };
        let share = text.parse::<f64>().ok().filter(|share| (0.0..=1.0).contains(share));
        share.ok_or_else(|| error("OTEL_TRACES_SAMPLER_ARG", fault))
    };
    let name = name.unwrap_or_else(|| "parentbased_always_on".to_owned());
    let (own, by_parent) = match name.strip_prefix("parentbased_") {
        Some(own) => (own, true),
        None => (name.as_str(), false),
    };
    let share = match own {
        "always_on" => 1.0,
        "always_off" => 0.0,
        "traceidratio" => share(argument)?,
        _ => {
            let fault = "must be `always_on`, `always_off` or `traceidratio`, or one of them after \
                         `parentbased_`";
            return Err(error("OTEL_TRACES_SAMPLER", fault));
        }
    };
    Ok(Sampling { share, by_parent })
}

impl fmt::Debug for TraceSettings {
    /// Shows of the address what no key is in, and of the headers only their names.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { endpoint, headers, timeout, service_name, attributes, sampling } = self;
        f.debug_struct("TraceSettings")
            .field("host", &endpoint.host_str())
            .field("headers", &headers.keys().collect::<Vec<_>>())
            .field("timeout", timeout)
            .field("service_name", service_name)
            .field("attributes", attributes)
            .field("sampling", sampling)
            .finish_non_exhaustive()
    }
}

impl Classify for TraceSettingsError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::InvalidRequest
    }

    fn retry(&self) -> Retry {
        Retry::Never
    }

    fn hints(&self) -> Vec<String> {
        vec!["correct the variable, or unset it".to_owned()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENDPOINT: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4318");

    fn read(variables: &[(&str, &str)]) -> Result<Option<TraceSettings>, TraceSettingsError> {
        TraceSettings::from_vars(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    fn with(variable: (&str, &str)) -> Result<Option<TraceSettings>, TraceSettingsError> {
        read(&[ENDPOINT, variable])
    }

    #[test]
    fn nothing_is_sent_unless_a_collector_is_named_and_nobody_forbids_it() {
        assert_eq!(read(&[("OTEL_SERVICE_NAME", "x")]), Ok(None));
        assert_eq!(read(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "")]), Ok(None));
        assert_eq!(with(("OTEL_SDK_DISABLED", "TRUE")), Ok(None));
        assert_eq!(with(("OTEL_TRACES_EXPORTER", "none")), Ok(None));
        assert!(with(("OTEL_SDK_DISABLED", "no")).unwrap().is_some());
    }

    #[test]
    fn an_address_for_traces_is_taken_as_it_is_and_one_for_everything_gets_their_path() {
        for (name, value, expected) in [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a:4318", "http://a:4318/v1/traces"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://a/otlp/", "https://a/otlp/v1/traces"),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://a:4318/x", "http://a:4318/x"),
        ] {
            let settings = read(&[(name, value)]).unwrap().unwrap();
            assert_eq!(settings.endpoint.as_str(), expected);
        }
        let own = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://b/t");
        assert_eq!(with(own).unwrap().unwrap().endpoint.as_str(), "http://b/t");
    }

    #[test]
    fn headers_are_read_and_never_shown() {
        let key = ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=hunter2%3D, x-org = 7");
        let settings = with(key).unwrap().unwrap();
        assert_eq!(settings.headers["api-key"], "hunter2=");
        assert_eq!(settings.headers["x-org"], "7");
        let shown = format!("{settings:?}");
        assert!(shown.contains("api-key") && !shown.contains("hunter2"), "{shown}");
        for value in ["hunter2", "a b=hunter2", "a=hunter2%0A"] {
            let error = with(("OTEL_EXPORTER_OTLP_HEADERS", value)).unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(shown.contains("OTEL_EXPORTER_OTLP_HEADERS"), "{shown}");
            assert!(!shown.contains("hunter2"), "{shown}");
        }
    }

    #[test]
    fn the_service_is_named_by_its_variable_or_among_its_attributes() {
        let attributes =
            ("OTEL_RESOURCE_ATTRIBUTES", "service.name=a,deployment.environment=b%20c");
        let settings = with(attributes).unwrap().unwrap();
        assert_eq!(settings.service_name, "a");
        let left = [("deployment.environment".to_owned(), "b c".to_owned())];
        assert_eq!(settings.attributes, left);
        let both = read(&[ENDPOINT, attributes, ("OTEL_SERVICE_NAME", "d")]).unwrap().unwrap();
        assert_eq!((both.service_name.as_str(), both.attributes), ("d", left.into()));
        assert_eq!(read(&[ENDPOINT]).unwrap().unwrap().service_name, SERVICE);
    }

    #[test]
    fn samplers_are_those_of_opentelemetry() {
        let sampling = |name, argument| {
            let read = read(&[
                ENDPOINT,
                ("OTEL_TRACES_SAMPLER", name),
                ("OTEL_TRACES_SAMPLER_ARG", argument),
            ]);
            read.map(|settings| settings.unwrap().sampling)
        };
        let of = |share, by_parent| Ok(Sampling { share, by_parent });
        assert_eq!(sampling("", ""), of(1.0, true));
        assert_eq!(sampling("always_on", "9"), of(1.0, false));
        assert_eq!(sampling("always_off", ""), of(0.0, false));
        assert_eq!(sampling("traceidratio", "0.25"), of(0.25, false));
        assert_eq!(sampling("parentbased_always_off", ""), of(0.0, true));
        assert_eq!(sampling("parentbased_traceidratio", ""), of(1.0, true));
        assert!(sampling("jaeger_remote", "").is_err());
        for share in ["2", "-1", "NaN", "x"] {
            assert!(sampling("traceidratio", share).is_err(), "{share}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_told_by_its_name() {
        for (name, value) in [
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "localhost:4318"),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://u:hunter2@h/"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "0"),
            ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "10s"),
            ("OTEL_RESOURCE_ATTRIBUTES", "a"),
            ("OTEL_TRACES_EXPORTER", "jaeger"),
        ] {
            let shown = with((name, value)).unwrap_err().to_string();
            assert!(shown.contains(name) && !shown.contains("hunter2"), "{shown}");
        }
    }
}

//! Where spans go, as OpenTelemetry's standard variables say.

use std::fmt;
use std::time::Duration;

use egress::HttpTarget;

/// How long spans gather before they are sent, unless `OTEL_BSP_SCHEDULE_DELAY` says otherwise.
const GATHER: Duration = Duration::from_secs(5);
/// How long a receiver may take, unless `OTEL_EXPORTER_OTLP_TIMEOUT` says otherwise.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Where spans go, and under which name. `Debug` shows no header.
#[derive(Clone)]
pub struct Telemetry {
    pub(super) target: HttpTarget,
    /// Names and values; they may hold credentials.
    pub(super) headers: Vec<(String, String)>,
    /// What is said of this process: `service.name` and the like.
    pub(super) resource: Vec<(String, String)>,
    pub(super) gather: Duration,
    pub(super) timeout: Duration,
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Telemetry(to {})", self.target.origin())
    }
}

/// What is wrong with a variable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{variable}` {wrong}")]
pub struct TelemetryError {
    variable: &'static str,
    wrong: String,
}

impl Telemetry {
    /// Reads the environment; `None` if it wants no spans.
    ///
    /// # Errors
    /// A variable has a value that can't be followed.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, TelemetryError> {
        let text = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        let off = text("OTEL_SDK_DISABLED").is_some_and(|it| it.eq_ignore_ascii_case("true"))
            || text("OTEL_TRACES_EXPORTER").is_some_and(|it| it == "none");
        let named = text("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
        let base = text("OTEL_EXPORTER_OTLP_ENDPOINT");
        let (name, url) = match (named, base) {
            _ if off => return Ok(None),
            (None, None) => return Ok(None),
            // The one is the address itself, the other the place of all signals.
            (Some(url), _) => ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", url),
            (None, Some(base)) => (
                "OTEL_EXPORTER_OTLP_ENDPOINT",
                format!("{}/v1/traces", base.trim_end_matches('/')),
            ),
        };
        let target = egress::parse_target(&url).map_err(|error| wrong(name, &error))?;
        let either = |of_traces: &'static str, of_all: &'static str| match text(of_traces) {
            Some(value) => Some((of_traces, value)),
            None => text(of_all).map(|value| (of_all, value)),
        };
        let protocol = either(
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
            "OTEL_EXPORTER_OTLP_PROTOCOL",
        );
        if let Some((name, value)) = protocol
            && value.trim() != "http/protobuf"
        {
            let message = format!("is `{value}`; only `http/protobuf` is spoken");
            return Err(wrong(name, &message));
        }
        let headers = either(
            "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
            "OTEL_EXPORTER_OTLP_HEADERS",
        );
        let headers = headers.map_or(Ok(Vec::new()), |(name, value)| pairs(name, &value))?;
        let timeout = either(
            "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
            "OTEL_EXPORTER_OTLP_TIMEOUT",
        );
        let gather = text("OTEL_BSP_SCHEDULE_DELAY").map(|it| ("OTEL_BSP_SCHEDULE_DELAY", it));
        let mut resource = vec![
            ("service.name".to_owned(), "chancery".to_owned()),
            (
                "service.version".to_owned(),
                env!("CARGO_PKG_VERSION").to_owned(),
            ),
        ];
        let said = match text("OTEL_RESOURCE_ATTRIBUTES") {
            Some(value) => pairs("OTEL_RESOURCE_ATTRIBUTES", &value)?,
            None => Vec::new(),
        };
        let service = text("OTEL_SERVICE_NAME").map(|it| ("service.name".to_owned(), it));
        for (name, value) in said.into_iter().chain(service) {
            resource.retain(|(known, _)| *known != name);
            resource.push((name, value));
        }
        Ok(Some(Self {
            target,
            headers,
            resource,
            gather: millis(gather)?.unwrap_or(GATHER),
            timeout: millis(timeout)?.unwrap_or(TIMEOUT),
        }))
    }
}

fn wrong(variable: &'static str, error: &impl ToString) -> TelemetryError {
    TelemetryError {
        variable,
        wrong: error.to_string(),
    }
}

fn millis(of: Option<(&'static str, String)>) -> Result<Option<Duration>, TelemetryError> {
    let Some((name, value)) = of else {
        return Ok(None);
    };
    let millis = value.trim().parse();
    let millis = millis.map_err(|_| wrong(name, &"is no number of milliseconds"))?;
    Ok(Some(Duration::from_millis(millis)))
}

/// `name=value,name=value`, with values percent-encoded, as W3C Baggage writes them. A value may be a
/// credential, so it is in no message.
fn pairs(variable: &'static str, text: &str) -> Result<Vec<(String, String)>, TelemetryError> {
    let pairs = text.split(',').filter(|pair| !pair.trim().is_empty());
    let pairs = pairs.map(|pair| {
        let (name, value) = pair.split_once('=').ok_or("is no list of `name=value`")?;
        let value = decoded(value.trim()).ok_or("has a value that is not percent-encoded UTF-8")?;
        Ok((name.trim().to_owned(), value))
    });
    let pairs: Result<_, &str> = pairs.collect();
    pairs.map_err(|error| wrong(variable, &error))
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let value = digit(rest.next()?)? * 16 + digit(rest.next()?)?;
        bytes.push(u8::try_from(value).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Option<Telemetry>, TelemetryError> {
        Telemetry::read(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn nothing_is_sent_unless_somebody_says_where() {
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318");
        assert!(read(&[]).unwrap().is_none());
        assert!(
            read(&[("OTEL_EXPORTER_OTLP_ENDPOINT", " ")])
                .unwrap()
                .is_none()
        );
        assert!(
            read(&[endpoint, ("OTEL_SDK_DISABLED", "true")])
                .unwrap()
                .is_none()
        );
        assert!(
            read(&[endpoint, ("OTEL_TRACES_EXPORTER", "none")])
                .unwrap()
                .is_none()
        );
        assert!(read(&[endpoint]).unwrap().is_some());
    }

    #[test]
    fn the_standard_variables_say_where_and_how() {
        let telemetry = read(&[
            (
                "OTEL_EXPORTER_OTLP_ENDPOINT",
                "https://collector.example/otlp/",
            ),
            (
                "OTEL_EXPORTER_OTLP_HEADERS",
                "authorization=Bearer%20abc, x-team = blue",
            ),
            ("OTEL_RESOURCE_ATTRIBUTES", "service.name=other,region=eu"),
            ("OTEL_SERVICE_NAME", "mine"),
            ("OTEL_BSP_SCHEDULE_DELAY", "100"),
        ]);
        let telemetry = telemetry.unwrap().unwrap();
        assert_eq!(telemetry.target.path(), "/otlp/v1/traces");
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let headers = [pair("authorization", "Bearer abc"), pair("x-team", "blue")];
        assert_eq!(telemetry.headers, headers);
        assert!(telemetry.resource.contains(&pair("service.name", "mine")));
        assert!(telemetry.resource.contains(&pair("region", "eu")));
        assert_eq!(telemetry.gather, Duration::from_millis(100));
        assert!(!format!("{telemetry:?}").contains("abc"));
        let named = read(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://all:4318"),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://traces:1/here"),
        ]);
        assert_eq!(named.unwrap().unwrap().target.path(), "/here");
    }

    #[test]
    fn what_can_not_be_followed_is_said_without_its_value() {
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318");
        for (name, value) in [
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "authorization"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=secret%zz"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "soon"),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "collector"),
        ] {
            let error = read(&[endpoint, (name, value)]).unwrap_err();
            assert_eq!(error.variable, name);
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }
}

//! The bodies of responses that report a failure.

use serde::Serialize;
use utoipa::ToSchema;

use super::{Failure, Place};

/// What is told of a bug. The log has the rest.
const INTERNAL: &str =
    "the service made a mistake; its log says which, under the id of this request";

/// Why a request was not answered.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// What happened, with its causes.
    detail: String,
    /// The name that programs see; stable.
    #[schema(example = "invalid_request")]
    code: String,
    /// The id under which the service's log has the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    /// What can be done about it, one fragment per way out.
    hints: Vec<String>,
    /// The line of the input on which the bad record begins, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    /// The offset of the bad record's first byte.
    #[serde(skip_serializing_if = "Option::is_none")]
    byte: Option<u64>,
    /// The column of the bad value.
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<String>,
    /// The bad record, counted from 1 behind the header; 0 for the header itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<u64>,
    /// What is wrong there; stable.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "too_few_fields")]
    data_code: Option<String>,
    /// The version that ended with the status `error`.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u32>,
}

/// Why there is no connection.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConnectionProblem {
    /// Always `false`.
    success: bool,
    /// Always `connection_failed`.
    #[schema(example = "connection_failed")]
    error: &'static str,
    /// What happened, in the database's words where there are any.
    message: String,
    /// The name that programs see; stable.
    #[schema(example = "unavailable")]
    code: String,
    /// The id under which the service's log has the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    /// What can be done about it, one fragment per way out.
    hints: Vec<String>,
}

/// Why a connection could not be tested.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum TestProblem {
    /// It was tested, and there is none.
    Connection(ConnectionProblem),
    /// It was not tested.
    Other(Problem),
}

impl Problem {
    pub(super) fn of(failure: &Failure, request_id: Option<&str>) -> Self {
        let Failure { code, detail, hints, place, version, .. } = failure.clone();
        let (line, byte, record, column, data_code) = match place.map(|place| *place) {
            Some(Place { code, line, byte, record, column }) => {
                (Some(line), Some(byte), Some(record), column, Some(code))
            }
            None => (None, None, None, None, None),
        };
        let request_id = request_id.map(str::to_owned);
        // What a bug says may be of anything.
        let detail = if failure.is_internal() { INTERNAL.to_owned() } else { detail };
        Self { detail, code, request_id, hints, line, byte, column, record, data_code, version }
    }
}

impl ConnectionProblem {
    pub(super) fn of(failure: &Failure, request_id: Option<&str>) -> Self {
        let Failure { code, detail, hints, .. } = failure.clone();
        Self {
            success: false,
            error: "connection_failed",
            message: detail,
            code,
            request_id: request_id.map(str::to_owned),
            hints,
        }
    }
}

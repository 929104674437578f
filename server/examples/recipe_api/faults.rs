//! Trouble on demand, for something to be seen on a dashboard: only with `--faults`.

use std::time::Duration;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::error::ApiError;

const HEADER: &str = "x-fault";
const SLOWEST: Duration = Duration::from_secs(10);

/// Does what the request's header `x-fault` asks for: `slow=<milliseconds>` or `fail`.
pub async fn inject(request: Request, next: Next) -> Response {
    let fault = request.headers().get(HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if fault == "fail" {
        return ApiError::broken().into_response();
    }
    if let Some(milliseconds) = fault.strip_prefix("slow=").and_then(|text| text.parse().ok()) {
        tokio::time::sleep(Duration::from_millis(milliseconds).min(SLOWEST)).await;
    }
    next.run(request).await
}

-- Posts what TUNDRA_BENCH_BODY holds, if anything, and tells what came of it in one line of JSON.
local body = os.getenv("TUNDRA_BENCH_BODY")
if body and body ~= "" then
   wrk.method = "POST"
   wrk.body = body
   wrk.headers["Content-Type"] = "application/json"
end

function done(summary, latency, requests)
   local errors = summary.errors
   io.write(string.format(
      '\n{"requests":%d,"seconds":%f,"errors":%d,"median":%f,"p99":%f,"slowest":%f}\n',
      summary.requests,
      summary.duration / 1e6,
      errors.connect + errors.read + errors.write + errors.status + errors.timeout,
      latency:percentile(50) / 1e6,
      latency:percentile(99) / 1e6,
      latency.max / 1e6))
end

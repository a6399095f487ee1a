-- The charts of an output port's page in turn, of 300 output ports whose ids are 1 to 300:
-- wrk -t2 -c50 -d30s --timeout 10s --latency -s port_page.lua http://127.0.0.1:8080/
local charts = { "summary", "over-time", "split", "distribution", "assets", "combined-with" }
local n = 0

function request()
  n = n + 1
  local id = string.format("00000000-0000-0000-0000-%012d", math.random(300))
  local path = "/api/output-ports/" .. id .. "/" .. charts[n % 6 + 1]
  return wrk.format("GET", path .. "?from=2026-04-02&until=2026-07-01")
end

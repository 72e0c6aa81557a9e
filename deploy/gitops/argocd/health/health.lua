-- The health of a Consortium, Agency, Group or Node in Argo CD. All four have kstatus conditions: Ready, Reconciling, Stalled.
local health = { status = "Progressing", message = "not looked at by the operator yet" }
local status = obj.status
if status == nil or status.conditions == nil then
  return health
end

local generation = obj.metadata.generation
local conditions = {}
for _, condition in ipairs(status.conditions) do
  conditions[condition.type] = condition
end

-- What is said of an older manifest says nothing of this one.
local function is_old(observed)
  return generation ~= nil and observed ~= nil and observed < generation
end
local function holds(name)
  local condition = conditions[name]
  return condition ~= nil and condition.status == "True" and not is_old(condition.observedGeneration)
end
local function message_of(name, otherwise)
  local condition = conditions[name]
  if condition ~= nil and condition.message ~= nil and condition.message ~= "" then
    return condition.message
  end
  return otherwise
end

if is_old(status.observedGeneration) then
  health.message = "the operator has not seen the newest manifest yet"
elseif holds("Stalled") then
  health.status = "Degraded"
  health.message = message_of("Stalled", "the manifest must change")
elseif holds("Reconciling") then
  health.message = message_of("Reconciling", "the operator is at work")
elseif holds("Ready") then
  health.status = "Healthy"
  health.message = message_of("Ready", "ready")
  -- Its own part is done; the chain or other agencies are not there yet.
  local sync = conditions["InSync"]
  if sync ~= nil and sync.status == "False" and sync.message ~= nil and sync.message ~= "" then
    health.message = health.message .. "; waits for others: " .. sync.message
  end
else
  health.message = message_of("Ready", "not ready yet")
end
return health

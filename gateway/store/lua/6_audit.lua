-- note: what an operator did that changed no knob, for the audit.
-- ARGV  3 actor   4 why   5 JSON {action, before, after}
-- Returns  OK.  The entry has revision 0: there is no change of knobs to take back.
local function keep_note(KEYS, ARGV)
  local keys, now_ms = keys_of(KEYS), clock(ARGV[1])
  local s, err = open_line(keys, '')
  if not s then return err end
  local entry = cjson.decode(ARGV[5])
  entry.revision, entry.at_ms, entry.actor, entry.why = 0, now_ms, ARGV[3], ARGV[4]
  redis.call('LPUSH', keys.audit, cjson.encode(entry))
  redis.call('LTRIM', keys.audit, 0, AUDIT_KEPT - 1)
  return redis.status_reply('OK')
end

redis.register_function('antrean_v1_note', keep_note)

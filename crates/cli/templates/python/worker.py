"""@NAME@: a worker. Give it work: ostoja publish @NAME@.jobs '{"text": "a b c"}'"""
from ostoja import log, on, publish, run, service

done = 0


@on("@NAME@.jobs")
def job(payload) -> None:
    global done
    text = str((payload or {}).get("text", ""))
    done += 1
    log.info("a job is done", {"words": len(text.split())})
    publish("@NAME@.done", {"words": len(text.split()), "number": done})


@service("@NAME@", "count")
def count() -> int:
    return done


run()

"""@NAME@: a bot. It answers what is said on `chat.message`, and whoever calls it."""
from ostoja import config, on, publish, run, service


def reply(text: str) -> str:
    """What it says to a text: the place for rules, or for a model."""
    if "?" in text:
        return "that is a good question"
    return f"{config('greeting', 'hello')}, you said: {text}"


@on("chat.message")
def message(payload) -> None:
    payload = payload or {}
    publish("chat.reply", {"to": payload.get("from"), "text": reply(str(payload.get("text", "")))})


@service("@NAME@", "answer")
def answer(text: str = "") -> str:
    return reply(text)


run()

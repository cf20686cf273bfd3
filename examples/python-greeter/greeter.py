"""A service that greets people: a whole module in Python."""
from ostoja import config, log, on, progress, publish, run, service


@service("greeter")
class Greeter:
    """Every public method can be called by other modules."""

    def __init__(self) -> None:
        self.greeted = 0

    def hello(self, name: str = "world") -> str:
        """Greets one person: `ostoja call greeter hello '{"name": "Ada"}'`."""
        self.greeted += 1
        print(f"greeting {name}")  # A print is a log line, never a broken message.
        publish("greeter.greeted", {"name": name, "count": self.greeted})
        return f"{config('greeting', 'hello')} {name}"

    def hello_all(self, names):
        """Greets many people, one piece of the result for each."""
        for number, name in enumerate(names, start=1):
            yield self.hello(name)
            progress(number / len(names), f"greeted {name}")
        return len(names)


@on("clock.tick")
def tick(payload) -> None:
    """Hears what `deno-clock` publishes."""
    log.debug("the clock ticked", payload)


run()

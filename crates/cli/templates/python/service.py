"""@NAME@: a service. Call it: ostoja call @NAME@ hello '{"name": "Ada"}'"""
from ostoja import config, run, service


@service("@NAME@", "hello")
def hello(name: str = "world") -> str:
    print(f"greeting {name}")  # A print is a log line, never a broken message.
    return f"{config('greeting', 'hello')} {name}"


run()

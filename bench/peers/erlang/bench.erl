%% The works on Erlang: `erl -noinput -noshell +P 2000000 +S 1:1 (or 2:2) -s bench main -extra WORK` prints one JSON line.
%% A message is a tagged tuple of a number and a payload of 60 bits, so that no sum leaves the machine's small integers.
-module(bench).
-export([main/0]).

-define(BATCH, 1000).
-define(AHEAD, 4).
-define(MASK, 16#3FFFFFF).

main() ->
    [Work | _] = init:get_plain_arguments(),
    case Work of
        "ping_pong_1" -> ns(Work, fun(N) -> ping_pong(N, []) end);
        "ping_pong_2" -> ns(Work, fun(N) -> ping_pong(N, [{scheduler, 2}]) end);
        "one_to_one_1" -> rate(Work, fun(N) -> flood(N, 1) end);
        "one_to_one_2" -> rate(Work, fun(N) -> flood(N, 1) end);
        "fan_in_2" -> rate(Work, fun(N) -> flood(N, 8) end);
        "ring_1" -> First = ring(1000), ns(Work, fun(N) -> around(First, N) end);
        "graph_10k_2" -> graph(Work, 10000, 10000);
        "graph_10k_1" -> graph(Work, 10000, 10000);
        "graph_1m_1" -> graph(Work, 1000000, 100000);
        "spawn_1m" -> spawned(Work, 1000000);
        _ -> io:format(standard_error, "no work `~s`~n", [Work]), halt(2)
    end,
    halt(0).

%% Measuring: doubled until warm (80 ms), then as much as takes 0.7 s.
ns(Work, Run) ->
    {N, T} = timed(Run, 0),
    line(Work, T / N, "ns", N, T, "null").

rate(Work, Run) -> rate(Work, Run, 0).

rate(Work, Run, Least) ->
    {N, T} = timed(Run, Least),
    line(Work, N * 1000 / T, "M/s", N, T, "null").

%% The first run is not looked at: processes that were only just made take their first turn in it.
timed(Run, Least) ->
    First = max(2000, Least div 5),
    _ = Run(First),
    warm(Run, First, Least).

warm(Run, N, Least) ->
    case Run(N) of
        T when T >= 80000000 -> M = max(Least, trunc(N * 700000000 / T)), {M, Run(M)};
        _ -> warm(Run, N * 2, Least)
    end.

line(Work, Value, Unit, N, T, Bytes) ->
    io:format("{\"work\":\"~s\",\"value\":~.3f,\"unit\":\"~s\",\"messages\":~b,\"seconds\":~.6f,\"bytes_each\":~s}~n",
              [Work, Value * 1.0, Unit, N, T / 1.0e9, Bytes]).

now_ns() -> erlang:monotonic_time(nanosecond).

%% Does the work in a process of its own and waits for its end, however it ends.
in_process(Options, Work) ->
    Self = self(),
    {Pid, Monitor} = spawn_opt(fun() -> Self ! {took, self(), Work()} end, [monitor | Options]),
    receive
        {took, Pid, T} -> erlang:demonitor(Monitor, [flush]), T;
        {'DOWN', Monitor, process, Pid, Why} -> io:format(standard_error, "~p~n", [Why]), halt(1)
    end.

payload(Number) -> (Number * 40503) band ?MASK.

sum(Each) -> sum(0, Each, 0).
sum(Each, Each, Sum) -> Sum;
sum(Number, Each, Sum) -> sum(Number + 1, Each, Sum + payload(Number)).

%% Two processes, one message.
ping_pong(N, Away) ->
    Here = case Away of [] -> []; _ -> [{scheduler, 1}] end,
    in_process(Here, fun() ->
        Back = spawn_opt(fun() -> back(0) end, Away),
        Began = now_ns(),
        Sum = front(Back, 0, N, 0),
        Took = now_ns() - Began,
        Sum = sum(N),
        exit(Back, kill),
        Took
    end).

front(_, N, N, Sum) -> Sum;
front(Back, Number, N, Sum) ->
    Back ! {ball, self(), Number, payload(Number)},
    receive {ball, _, Number, Payload} -> front(Back, Number + 1, N, Sum + Payload) end.

back(Next) ->
    receive {ball, From, Next, Payload} -> From ! {ball, self(), Next, Payload}, back(Next + 1) end.

%% Some flood one; the sink asks each for its next batch.
flood(N, Senders) ->
    Each = N div Senders,
    in_process([{message_queue_data, off_heap}], fun() ->
        Self = self(),
        Pids = [spawn(fun() -> sender(Self, 0, Each) end) || _ <- lists:seq(1, Senders)],
        Began = now_ns(),
        [Pid ! burst || Pid <- Pids, _ <- lists:seq(1, ?AHEAD)],
        Sum = sink(Senders * Each, 0),
        Took = now_ns() - Began,
        Sum = Senders * sum(Each),
        Took
    end).

sender(_, Each, Each) -> ok;
sender(To, Sent, Each) ->
    receive burst -> ok end,
    Until = min(Sent + ?BATCH, Each),
    batch(To, Sent, Until),
    To ! {behind, self()},
    sender(To, Until, Each).

batch(_, Until, Until) -> ok;
batch(To, Number, Until) -> To ! {ball, Number, payload(Number)}, batch(To, Number + 1, Until).

sink(0, Sum) -> Sum;
sink(Left, Sum) ->
    receive
        {ball, _, Payload} -> sink(Left - 1, Sum + Payload);
        {behind, From} -> From ! burst, sink(Left, Sum)
    end.

%% A ring: each knows its next.
ring(Members) ->
    Last = spawn(fun() -> receive {next, Next} -> member(Next, 0) end end),
    First = lists:foldl(fun(_, Next) -> spawn(fun() -> member(Next, 0) end) end, Last, lists:seq(2, Members)),
    Last ! {next, First},
    First.

member(Next, Seen) ->
    receive
        {hop, 1, Load, Done} -> Done ! {arrived, Seen + Load}, member(Next, Seen);
        {hop, Left, Load, Done} -> Next ! {hop, Left - 1, Load, Done}, member(Next, (Seen + Load) band ?MASK)
    end.

around(First, N) ->
    Began = now_ns(),
    First ! {hop, N, 1, self()},
    receive {arrived, _} -> now_ns() - Began end.

%% A graph: the table of all is a persistent term, which is read without a copy.
graph(Work, Actors, Walkers) ->
    Pids = [spawn_opt(fun() -> node_start(Index) end, [{min_heap_size, 0}]) || Index <- lists:seq(1, Actors)],
    persistent_term:put(table, list_to_tuple(Pids)),
    rate(Work, fun(N) -> wander(Pids, Walkers, N) end, Walkers * 5).

node_start(Index) ->
    node_loop((Index * 40503) band ?MASK bor 1, 0).

node_loop(Random, Seen) ->
    receive
        {hop, 1, Load, Done} -> Done ! {arrived, Seen + Load}, node_loop(Random, Seen);
        {hop, Left, Load, Done} ->
            R1 = Random bxor (Random bsl 13) band 16#FFFFFFFF,
            R2 = R1 bxor (R1 bsr 17),
            R3 = R2 bxor (R2 bsl 5) band 16#FFFFFFFF,
            Table = persistent_term:get(table),
            element(1 + ((R3 * tuple_size(Table)) bsr 32), Table) ! {hop, Left - 1, Load bxor Seen, Done},
            node_loop(R3, (Seen + Load) band ?MASK);
        {ask, From} -> From ! {answer, Random}, node_loop(Random, Seen)
    end.

wander(Pids, Walkers, N) ->
    Count = min(Walkers, N),
    Each = N div Count,
    Began = now_ns(),
    inject(Pids, Count, Each, N rem Count),
    arrived(Count),
    now_ns() - Began.

inject(_, 0, _, _) -> ok;
inject([Pid | Pids], Count, Each, Rest) when Rest > 0 ->
    Pid ! {hop, Each + 1, Count, self()},
    inject(Pids, Count - 1, Each, Rest - 1);
inject([Pid | Pids], Count, Each, 0) ->
    Pid ! {hop, Each, Count, self()},
    inject(Pids, Count - 1, Each, 0).

arrived(0) -> ok;
arrived(Left) -> receive {arrived, _} -> arrived(Left - 1) end.

%% A million: a process exists and takes messages when spawn gives its id.
spawned(Work, Count) ->
    Before = resident(),
    _ = spawn_all(Count div 10),
    {T, After} = spawn_all(Count),
    line(Work, T / Count, "ns", Count, T, io_lib:format("~.1f", [(After - Before) / Count])).

spawn_all(Count) ->
    Began = now_ns(),
    Pids = [spawn(fun() -> node_start(Index) end) || Index <- lists:seq(1, Count)],
    Took = now_ns() - Began,
    Resident = resident(),
    [Pid ! {ask, self()} || Pid <- Pids],
    [receive {answer, _} -> ok end || _ <- Pids],
    [exit(Pid, kill) || Pid <- Pids],
    {Took, Resident}.

resident() ->
    {ok, Text} = file:read_file("/proc/self/statm"),
    [_, Pages | _] = binary:split(Text, <<" ">>, [global]),
    binary_to_integer(Pages) * 4096.

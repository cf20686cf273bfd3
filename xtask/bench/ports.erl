%% Erlang's own way of running programs: one worker per port under a supervisor, restarted when the program exits.
-module(ports).
-behaviour(supervisor).
-export([start/0, init/1, start_worker/3, worker/3]).

start() ->
    [Tick, Roll, Count] = init:get_plain_arguments(),
    {ok, Pid} = supervisor:start_link({local, ?MODULE}, ?MODULE, {Tick, Roll, list_to_integer(Count)}),
    unlink(Pid),
    ok.

init({Tick, Roll, Count}) ->
    %% The intensity is raised, as maxRestarts is for Ostoja: the default of 1 in 5 s would end the first round.
    Flags = #{strategy => one_for_one, intensity => 100000, period => 1},
    {ok, {Flags, [#{id => N, start => {?MODULE, start_worker, [Tick, Roll, N]}} || N <- lists:seq(0, Count - 1)]}}.

start_worker(Tick, Roll, N) ->
    {ok, spawn_link(?MODULE, worker, [Tick, Roll, N])}.

worker(Tick, Roll, N) ->
    Port = open_port({spawn_executable, Tick}, [exit_status, {args, [Roll, integer_to_list(N)]}]),
    receive {Port, {exit_status, Status}} -> exit({status, Status}) end.

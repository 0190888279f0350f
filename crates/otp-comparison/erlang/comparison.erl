%% Runs scripts on OTP, and prints what each process saw.
%%
%% Usage: erl -noshell -s comparison main SCRIPTS TICK, with a file of terms as `script/erlang.rs` writes them, and the length of a
%% tick in milliseconds. With the seed of a script its processes are given other priorities and turns; 0 leaves all as it is.
%%
%% One scheduler is expected (`+S 1:1`), so that nobody runs while the driver looks whether anybody still has something to do.
-module(comparison).
-export([main/1, born/2, log/3, called/1, find/1, ticks/1, seed/0, take_turns/1, door/0, format/2]).

%% A script is given up when so many attempts were too slow for their ticks.
-define(ATTEMPTS, 6).

main([File, Tick]) ->
    logger:set_primary_config(level, none),
    load_everything(),
    %% Not before those that have something to do, whatever their priority is.
    process_flag(priority, low),
    {ok, Scripts} = file:consult(atom_to_list(File)),
    [run(Script, list_to_integer(atom_to_list(Tick)), ?ATTEMPTS) || Script <- Scripts],
    io:format("done~n"),
    halt(0).

%% A process that waits for its code to be loaded lets others run before it, which it would do only once.
load_everything() ->
    [begin
        {ok, Modules} = application:get_key(Application, modules),
        [code:ensure_loaded(Module) || Module <- Modules]
    end || Application <- [kernel, stdlib]],
    [code:ensure_loaded(Module) || Module <- [puppet, tree, doll]].

run({script, Name, _, _, _}, _, 0) ->
    io:format("== ~s~nlate~n", [Name]);
run({script, Name, Seed, CountsTicks, Steps} = Script, Tick, Attempts) ->
    ets:new(log, [named_table, public, ordered_set]),
    ets:new(born, [named_table, public, ordered_set]),
    ets:new(now, [named_table, public]),
    ets:insert(now, [{step, 0}, {tick, Tick}, {seed, Seed}]),
    Registrar = spawn_opt(fun registrar/0, [{priority, max}]),
    register(registrar, Registrar),
    Outcome = (catch steps(Steps, clock(CountsTicks, Tick))),
    Events = ets:tab2list(log),
    [exit(Pid, kill) || {_, Pid, _, _, _} <- ets:tab2list(born)],
    settle(),
    exit(Registrar, kill),
    settle(),
    flush(),
    [ets:delete(Table) || Table <- [log, born, now]],
    case Outcome of
        ok ->
            io:format("== ~s~n", [Name]),
            [io:format("~w\t~s\t~s\t~s~n", [Step, Who, Kind, Text]) || {_, Step, Who, Kind, Text} <- Events];
        late ->
            run(Script, 2 * Tick, Attempts - 1);
        Error ->
            io:format("== ~s~nerror ~0p~n", [Name, Error])
    end.

flush() ->
    receive _ -> flush() after 0 -> ok end.

%% Where a script with ticks is, by the machine's clock: when it began, and how many of its ticks have passed.
clock(true, Tick) -> {erlang:monotonic_time(millisecond), 0, Tick};
clock(false, _) -> none.

%% Time that goes by while it should not would let a timer fire too soon.
in_time(none) -> ok;
in_time({Begun, Ticks, Tick}) ->
    case erlang:monotonic_time(millisecond) - Begun - Ticks * Tick > Tick div 5 of
        true -> throw(late);
        false -> ok
    end.

steps([], _) -> ok;
steps([{driver, Actions} | Steps], Clock) ->
    Later = lists:foldl(fun drive/2, Clock, Actions),
    step_is_over(),
    in_time(Later),
    steps(Steps, Later);
steps([{Who, Program} | Steps], Clock) ->
    case find(Who) of
        %% Whoever was to start it has not.
        undefined -> ok;
        Pid -> Pid ! {order, Program}
    end,
    step_is_over(),
    in_time(Clock),
    steps(Steps, Clock).

step_is_over() ->
    settle(),
    ets:update_counter(now, step, 1).

drive({wait, 0}, Clock) -> Clock;
drive({wait, N}, {Begun, Ticks, Tick}) ->
    Left = Begun + (Ticks + 1) * Tick - erlang:monotonic_time(millisecond),
    timer:sleep(max(0, Left)),
    Later = {Begun, Ticks + 1, Tick},
    N > 1 andalso step_is_over(),
    in_time(Later),
    drive({wait, N - 1}, Later);
drive({seconds, N}, Clock) ->
    timer:sleep(N * 1000),
    Clock;
drive({open, Who}, Clock) ->
    Pid = find(Who),
    ets:take(now, {door, Pid}) =/= [] andalso (Pid ! '$open'),
    Clock;
drive(Action, Clock) ->
    [Kind, Label | Rest] = tuple_to_list(Action),
    ok = puppet:first(Kind, Label, Rest),
    Clock.

%% Returns when nobody has anything to do but to wait.
settle() ->
    settle(undefined).

settle(Before) ->
    erlang:yield(),
    case snapshot() of
        Before -> ok;
        Now -> settle(Now)
    end.

%% Something that is equal twice only if nobody did anything in between, and nobody is about to.
snapshot() ->
    All = [{Pid, process_info(Pid, [status, reductions, message_queue_len])} || Pid <- processes(), Pid =/= self()],
    Busy = [Pid || {Pid, Info} <- All, Info =:= undefined orelse element(2, hd(Info)) =/= waiting],
    Dying = ets:info(born) =/= undefined andalso
        [Pid || {_, Pid, _, _, alive} <- ets:tab2list(born), not is_process_alive(Pid)] =/= [],
    case Busy =/= [] orelse Dying of
        true -> make_ref();
        false -> All
    end.

%% Knows who is who, and notes every end.
registrar() ->
    receive
        {born, From, Pid, Label} ->
            Number = length(ets:match(born, {'_', '_', Label, '$1', '_'})) + 1,
            Called = case Number of
                1 -> atom_to_list(Label);
                _ -> format("~s#~w", [Label, Number])
            end,
            ets:insert(born, {erlang:unique_integer([monotonic]), Pid, Label, Called, alive}),
            monitor(process, Pid),
            From ! {born, Called, Number};
        {'DOWN', _, process, Pid, Reason} ->
            log(called(Pid), "|", format("ended ~s", [puppet:text(Reason)])),
            [[Key]] = ets:match(born, {'$1', Pid, '_', '_', '_'}),
            ets:update_element(born, Key, {5, ended})
    end,
    registrar().

%% A process has begun. Returns what it is called, and the how-manieth of its label it is.
born(Label, Pid) ->
    registrar ! {born, self(), Pid, Label},
    receive {born, Called, Number} -> {Called, Number} end.

%% Kind is "<SENDER" for what a sender sent, "." for what follows from it, and "|" for what nothing passes.
log(Who, Kind, Text) ->
    take_turns({before, Text}),
    Step = now_is(step),
    ets:insert(log, {erlang:unique_integer([monotonic]), Step, Who, Kind, Text}),
    take_turns({Who, Text}).

%% With a seed, lets others run first now and then. With an odd one each process keeps its priority, with an even one it takes
%% another one all the time.
take_turns(What) ->
    case seed() of
        0 -> ok;
        Seed ->
            Drawn = erlang:phash2({Seed, get(called), get(turns), What}, 32),
            put(turns, Drawn),
            Priority = case Seed rem 2 of
                0 -> Drawn rem 4;
                1 -> erlang:phash2({Seed, get(called)}, 4)
            end,
            process_flag(priority, element(Priority + 1, {low, normal, high, max})),
            [erlang:yield() || _ <- lists:seq(1, max(0, Drawn div 4 - 3))]
    end.

called(Pid) ->
    case ets:match(born, {'_', Pid, '_', '$1', '_'}) of
        [[Called]] -> Called;
        [] -> "driver"
    end.

%% The process that a word of a script means: the last of that label.
find(Label) ->
    case ets:match(born, {'_', '$1', Label, '_', '_'}) of
        [] -> undefined;
        Pids -> hd(lists:last(Pids))
    end.

%% Returns when the script opens the door of this process.
door() ->
    ets:insert(now, {{door, self()}, closed}),
    receive '$open' -> ok end.

seed() -> now_is(seed).

now_is(Key) -> ets:lookup_element(now, Key, 2).

%% So many ticks, and some: what is due comes in the middle of a tick, never between two.
ticks(N) ->
    Tick = now_is(tick),
    max(0, N - 1) * Tick + Tick div 4.

format(Format, Args) -> lists:flatten(io_lib:format(Format, Args)).

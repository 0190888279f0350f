%% The workloads of the comparison, on Erlang's own gen_server and gen_event. Reads orders of the form
%% "NAME NUMBER OPS", a line each, and answers each with one number: nanoseconds, or 0.
-module(bench).
-behaviour(gen_server).
-export([start/0]).
-export([init/1, handle_call/3, handle_cast/2]).
-export([handle_event/2, handle_call/2]).

%% The state is {Count, Next, Done}, as in the other subjects.
init([]) -> {ok, {0, none, none}};
%% That of an event handler is a number.
init(handler) -> {ok, 0}.

handle_event(Event, Sum) -> {ok, Sum + Event}.

handle_call(sum, Sum) -> {ok, Sum, Sum}.

handle_call(plain, _From, {Count, _, _} = State) -> {reply, Count, State};
handle_call(awaiting, _From, {Count, _, _} = State) ->
    erlang:yield(),
    {reply, Count, State}.

handle_cast({add, N}, {Count, Next, Done}) -> {noreply, {Count + N, Next, Done}};
handle_cast({link, Next, Done}, {Count, _, _}) -> {noreply, {Count, Next, Done}};
handle_cast({token, 0}, {Count, Next, Done}) ->
    Done ! done,
    {noreply, {Count + 1, Next, Done}};
handle_cast({token, Left}, {Count, Next, Done}) ->
    gen_server:cast(Next, {token, Left - 1}),
    {noreply, {Count + 1, Next, Done}}.

start() -> spawn(fun loop/0).

loop() ->
    case io:get_line("") of
        Line when is_list(Line) ->
            [Name, Number, Ops] = string:tokens(string:trim(Line), " "),
            Answer = fresh(fun() -> run(list_to_atom(Name), list_to_integer(Number), list_to_integer(Ops)) end),
            io:format("~b~n", [Answer]),
            loop();
        _ ->
            halt()
    end.

%% Every workload has a heap of its own, so that none pays for the one before.
fresh(Work) ->
    {_, Monitor} = spawn_monitor(fun() -> exit({answer, Work()}) end),
    receive {'DOWN', Monitor, process, _, {answer, Answer}} -> Answer end.

run(call, Clients, Ops) -> calls(plain, Clients, Ops);
run(awaiting, Clients, Ops) -> calls(awaiting, Clients, Ops);
run(cast, Producers, Ops) ->
    with_server(fun(Server) ->
        Time = crowd(Producers, fun() -> cast_all(Server, Ops div Producers) end),
        Ops = gen_server:call(Server, plain),
        Time
    end);
run(ring, Servers, Hops) ->
    Ring = [First | Rest] = [new() || _ <- lists:seq(1, Servers)],
    Me = self(),
    [gen_server:cast(Server, {link, Next, Me}) || {Server, Next} <- lists:zip(Ring, Rest ++ [First])],
    [0 = gen_server:call(Server, plain) || Server <- Ring],
    Time = timed(fun() ->
        gen_server:cast(First, {token, Hops}),
        receive done -> ok end
    end),
    [gen_server:stop(Server) || Server <- Ring],
    Time;
run(notify, Handlers, Ops) ->
    with_manager(Handlers, fun(Manager) ->
        timed(fun() ->
            repeat(Ops, fun(Event) -> gen_event:notify(Manager, Event) end),
            gen_event:sync_notify(Manager, 0)
        end)
    end);
run(sync_notify, Handlers, Ops) ->
    with_manager(Handlers, fun(Manager) ->
        timed(fun() -> repeat(Ops, fun(Event) -> gen_event:sync_notify(Manager, Event) end) end)
    end);
run(lives, 1, Ops) -> timed(fun() -> lives(Ops) end);
run(idle, Servers, 1) ->
    [0 = gen_server:call(new(), plain) || _ <- lists:seq(1, Servers)],
    0.

new() ->
    {ok, Server} = gen_server:start(?MODULE, [], []),
    Server.

with_server(Use) ->
    Server = new(),
    Result = Use(Server),
    gen_server:stop(Server),
    Result.

with_manager(Handlers, Use) ->
    {ok, Manager} = gen_event:start(),
    [ok = gen_event:add_handler(Manager, {?MODULE, Id}, handler) || Id <- lists:seq(1, Handlers)],
    Result = Use(Manager),
    gen_event:stop(Manager),
    Result.

repeat(0, _) -> ok;
repeat(Left, Work) ->
    Work(Left),
    repeat(Left - 1, Work).

timed(Work) ->
    Start = erlang:monotonic_time(nanosecond),
    Work(),
    erlang:monotonic_time(nanosecond) - Start.

calls(Ask, Clients, Ops) ->
    with_server(fun(Server) -> crowd(Clients, fun() -> call_all(Server, Ask, Ops div Clients) end) end).

crowd(Clients, Client) ->
    timed(fun() ->
        Monitors = [element(2, spawn_monitor(Client)) || _ <- lists:seq(1, Clients)],
        [receive {'DOWN', Monitor, process, _, normal} -> ok end || Monitor <- Monitors]
    end).

call_all(_, _, 0) -> ok;
call_all(Server, Ask, Left) ->
    gen_server:call(Server, Ask),
    call_all(Server, Ask, Left - 1).

%% Ends with a call that may take its time: the mailbox is unbounded.
cast_all(Server, 0) -> gen_server:call(Server, plain, infinity);
cast_all(Server, Left) ->
    gen_server:cast(Server, {add, 1}),
    cast_all(Server, Left - 1).

lives(0) -> ok;
lives(Left) ->
    Server = new(),
    gen_server:call(Server, plain),
    gen_server:stop(Server),
    lives(Left - 1).

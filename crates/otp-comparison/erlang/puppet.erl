%% A server, or a plain process, that does as it is told and writes down what it sees.
-module(puppet).
-behaviour(gen_server).
-export([first/3, text/1, own/2, log_life/1, without_exit/2, all_of/1, init/1]).
-export([handle_call/3, handle_cast/2, handle_info/2, handle_continue/2, terminate/2]).

-import(comparison, [born/2, log/3, called/1, find/1, ticks/1, format/2]).

%% A first process of a script, which nobody has started.
first(plain, Label, Rest) ->
    element(1, spawn_plain(fun(F) -> {ok, spawn(F)} end, Label, block(Rest)));
first(server, Label, Rest) ->
    {ok, _} = start(start, Label, Rest),
    ok.

%% ---- The server. Its state is in the process dictionary, as that of a plain process is.

init({Label, Program, WardOf}) ->
    begin_as(Label, WardOf),
    log_life("init"),
    case run(Program, none) of
        wait -> {ok, 0};
        {idle, N} -> {ok, 0, ticks(N)};
        hibernate -> {ok, 0, hibernate};
        {then, Next} -> {ok, 0, {continue, Next}};
        ignore -> ignore;
        {stop, Reason} -> {stop, Reason}
    end.

handle_call({ask, Program}, Client, State) ->
    From = called(element(1, Client)),
    log(me(), "<" ++ From, format("call from ~s", [From])),
    returned(run(Program, Client), State).

handle_cast({tell, From, Program}, State) ->
    log(me(), "<" ++ From, format("cast from ~s", [From])),
    returned(run(Program, none), State).

handle_info(Message, State) ->
    returned(run(arrived(Message), none), State).

handle_continue(Program, State) ->
    own("continue", []),
    returned(run(Program, none), State).

terminate(Reason, _) ->
    log_life(format("terminate ~s", [text(Reason)])),
    run(on(terminate), none).

returned(How, State) ->
    case erase(new_state) of
        undefined -> returned_with(How, State);
        New -> returned_with(How, New)
    end.

returned_with(wait, State) -> {noreply, State};
returned_with({idle, N}, State) -> {noreply, State, ticks(N)};
returned_with(hibernate, State) -> {noreply, State, hibernate};
returned_with({then, Program}, State) -> {noreply, State, {continue, Program}};
returned_with({stop, Reason}, State) -> {stop, Reason, State};
returned_with({reply, Value}, State) -> {reply, Value, State};
returned_with({reply_idle, Value, N}, State) -> {reply, Value, State, ticks(N)};
returned_with({reply_hibernate, Value}, State) -> {reply, Value, State, hibernate};
returned_with({reply_then, Value, Program}, State) -> {reply, Value, State, {continue, Program}};
returned_with({stop_reply, Reason, Value}, State) -> {stop, Reason, Value, State}.

%% ---- The plain process.

%% The starter says who it is, so that it has its label when the start returns.
spawn_plain(Spawn, Label, Program) ->
    Started = Spawn(fun() -> receive {'$begin', Called, Number} -> live(Called, Number, Program) end end),
    Pid = case Started of {ok, {It, _}} -> It; {ok, It} -> It end,
    {Called, Number} = born(Label, Pid),
    Pid ! {'$begin', Called, Number},
    Started.

live(Called, Number, Program) ->
    be(Called, Number, none),
    log(me(), "|", "init"),
    go_on(run(Program, none)).

go_on({stop, Reason}) -> exit(Reason);
go_on(_) -> receive Message -> go_on(run(arrived(Message), none)) end.

%% ---- What both do.

begin_as(Label, WardOf) ->
    {Called, Number} = born(Label, self()),
    be(Called, Number, WardOf).

be(Called, Number, WardOf) ->
    put(called, Called),
    put(number, Number),
    put(ward_of, WardOf),
    comparison:take_turns(begins).

me() -> get(called).

own(Format, Args) -> log(me(), ".", format(Format, Args)).

%% Its beginning or end. All children of a supervisor have theirs in one trace, for these come one after the other.
log_life(Text) ->
    case get(ward_of) of
        none -> log(me(), "|", Text);
        Supervisor -> log(Supervisor ++ ".children", "|", format("~s ~s", [me(), Text]))
    end.

%% Notes what arrived, and returns what is to be done about it.
arrived({order, Program}) ->
    log(me(), "<driver", "order"),
    Program;
arrived({message, From, Program}) ->
    log(me(), "<" ++ From, format("info from ~s", [From])),
    Program;
arrived(timeout) ->
    log(me(), "|", "timeout"),
    on(timeout);
arrived({[alias | _], Value}) ->
    %% The answer of a request that nobody has fetched.
    log(me(), "|", format("answer ~s", [Value])),
    [];
arrived({'DOWN', _, process, Pid, Reason}) ->
    log(me(), "<" ++ called(Pid), format("down ~s ~s", [called(Pid), text(Reason)])),
    on(down);
arrived({'EXIT', Pid, Reason}) ->
    log(me(), "<" ++ called(Pid), format("exit ~s ~s", [called(Pid), text(Reason)])),
    on(exit);
arrived({gen_event_EXIT, {doll, Id}, Reason}) ->
    %% It does not say which manager it was; all those of a script are called m.
    log(me(), "<m", format("gone ~s ~s", [Id, gone(Reason)])),
    on(gone).

gone({swapped, {doll, New}, Owner}) when is_pid(Owner) -> format("swapped ~s ~s", [New, called(Owner)]);
gone({swapped, {doll, New}, _}) -> format("swapped ~s nobody", [New]);
gone({'EXIT', Reason}) -> format("failed ~s", [text(Reason)]);
gone(Reason) -> text(Reason).

on(What) ->
    case get({on, What}) of
        undefined -> [];
        Program -> Program
    end.

%% Does all that, and says how the callback returns.
run(Program, Client) ->
    Returned = obey(Program, Client),
    comparison:take_turns(returns),
    Returned.

obey([], _) -> wait;
obey([Action | Rest], Client) ->
    comparison:take_turns(Action),
    case act(Action, Client) of
        {first, Program} -> obey(Program ++ Rest, Client);
        {return, Returned} -> Returned;
        _ -> obey(Rest, Client)
    end.

%% ---- How a callback returns.

act({idle, _} = R, _) -> {return, R};
act({hibernate}, _) -> {return, hibernate};
act({then, _} = R, _) -> {return, R};
act({stop, _} = R, _) -> {return, R};
act({reply, _} = R, _) -> {return, R};
act({reply_idle, _, _} = R, _) -> {return, R};
act({reply_hibernate, _} = R, _) -> {return, R};
act({reply_then, _, _} = R, _) -> {return, R};
act({stop_reply, _, _} = R, _) -> {return, R};
act({ignore}, _) -> {return, ignore};
act({fail, Reason}, _) -> exit(Reason);
act({raise, Word}, _) -> error(Word);

%% ---- What concerns nobody else.

act({set, N}, _) -> put(new_state, N);
act({say, Word}, _) -> own("said ~s", [Word]);
act({on, What, Program}, _) -> put({on, What}, Program);
act({only, Number, Program}, _) ->
    case get(number) of
        Number -> {first, Program};
        _ -> next
    end;
act({hold}, _) ->
    comparison:door(),
    own("opened", []);
act({sleep, N}, _) -> timer:sleep(ticks(N));
act({keep, Key}, Client) -> put({kept, Key}, Client);
act({answer, Key, Value}, _) ->
    case erase({kept, Key}) of
        undefined -> next;
        Client -> gen_server:reply(Client, Value)
    end;
act({respond, Value}, Client) -> gen_server:reply(Client, Value);

%% ---- Links, monitors, exits, names.

act({link, Word}, _) ->
    with(link, Word, fun(Pid) ->
        try link(Pid) catch error:noproc -> own("link ~s -> noproc", [word(Word)]) end
    end);
act({unlink, Word}, _) -> with(unlink, Word, fun(Pid) -> unlink(Pid) end);
act({monitor, Word}, _) -> with(monitor, Word, fun(Pid) -> put({monitor, Word}, monitor(process, Pid)) end);
act({demonitor, Word}, _) ->
    case erase({monitor, Word}) of
        undefined -> next;
        Reference -> demonitor(Reference, [flush])
    end;
act({alive, Word}, _) ->
    with(alive, Word, fun(Pid) -> own("alive ~s -> ~s", [word(Word), is_process_alive(Pid)]) end);
act({kill, Word}, _) -> with(kill, Word, fun(Pid) -> exit(Pid, kill) end);
act({exit, Word, Reason}, _) -> with(exit, Word, fun(Pid) -> exit(Pid, Reason) end);
act({trap, on}, _) -> process_flag(trap_exit, true);
act({trap, off}, _) -> process_flag(trap_exit, false);
act({whereis, Name}, _) ->
    case pid(Name) of
        undefined -> own("whereis ~s -> nobody", [word(Name)]);
        Pid -> own("whereis ~s -> ~s", [word(Name), called(Pid)])
    end;
act({register, {name, Name}}, _) ->
    try register(Name, self()) of
        true -> own("register @~s -> ok", [Name])
    catch
        error:badarg -> own("register @~s -> taken", [Name])
    end;

%% ---- Calls, casts, messages, requests, timers.

act({call, To, Program}, _) -> own_answer(call, To, call(To, Program, infinity));
act({call, To, Program, within, N}, _) -> own_answer(call, To, call(To, Program, ticks(N)));
act({'call!', To, Program}, _) ->
    own_answer(call, To, {reply, gen_server:call(target(To), {ask, Program}, infinity)});
act({cast, To, Program}, _) -> gen_server:cast(target(To), {tell, me(), Program});
act({send, To, Program}, _) -> catch send(target(To), {message, me(), Program});
act({request, Key, To, Program}, _) -> put({request, Key}, gen_server:send_request(target(To), {ask, Program}));
act({gather, Key, To, Program}, _) ->
    put(gathered, gen_server:send_request(target(To), {ask, Program}, Key, gathered()));
act({collect}, _) -> fetch_any(collect, receive_response, infinity);
act({collect, within, N}, _) -> fetch_any(collect, receive_response, ticks(N));
act({pick, within, N}, _) -> fetch_any(pick, wait_response, ticks(N));
act({'receive', Key}, _) -> receive_answer(Key, infinity);
act({'receive', Key, within, N}, _) -> receive_answer(Key, ticks(N));
act({await, Key, within, N}, _) -> await(await, Key, ticks(N));
act({check, Key}, _) -> await(check, Key, 0);
act({timer, Key, N, To, Program}, _) ->
    case find(To) of
        undefined -> next;
        Pid -> put({timer, Key}, erlang:send_after(ticks(N), Pid, {message, me(), Program}))
    end;
act({cancel, Key}, _) ->
    Timer = erase({timer, Key}),
    own("cancel ~s -> ~s", [Key, Timer =/= undefined andalso is_integer(erlang:cancel_timer(Timer))]);
act({read, Key}, _) ->
    Timer = get({timer, Key}),
    own("read ~s -> ~s", [Key, Timer =/= undefined andalso is_integer(erlang:read_timer(Timer))]);

%% ---- Starting and stopping.

act({halt, Word, Reason}, _) -> halt_it(Word, Reason, infinity);
act({halt, Word, Reason, within, N}, _) -> halt_it(Word, Reason, ticks(N));
act({suspend, Word}, _) -> own("suspend ~s -> ~s", [Word, inside(Word, fun(Pid) -> sys:suspend(Pid, infinity) end)]);
act({resume, Word}, _) -> own("resume ~s -> ~s", [Word, inside(Word, fun(Pid) -> sys:resume(Pid, infinity) end)]);
act({state, Word}, _) -> own("state ~s -> ~s", [Word, inside(Word, fun(Pid) -> sys:get_state(Pid, infinity) end)]);
act({replace, Word, New}, _) ->
    Replace = fun(_) when is_integer(New) -> New end,
    own("replace ~s -> ~s", [Word, inside(Word, fun(Pid) -> sys:replace_state(Pid, Replace, infinity), ok end)]);
act({statistics, Word, What}, _) ->
    Flag = case What of on -> true; off -> false; get -> get end,
    own("statistics ~s -> ~s", [Word, inside(Word, fun(Pid) -> counted(sys:statistics(Pid, Flag, infinity)) end)]);
act(Action, Client) ->
    case tuple_to_list(Action) of
        [start, Kind, Label | Rest] -> own("start ~s -> ~s", [Label, started(start_any(Kind, Label, Rest))]);
        _ -> others(Action, Client)
    end.

others(Action, _) ->
    case tree:act(Action) of
        unknown -> doll:act(Action);
        Done -> Done
    end.

with(Verb, Word, Do) ->
    case pid(Word) of
        undefined -> own("~s ~s -> nobody", [Verb, word(Word)]);
        Pid -> Do(Pid)
    end.

call(To, Program, Timeout) ->
    try {reply, gen_server:call(target(To), {ask, Program}, Timeout)}
    catch exit:{Reason, {gen_server, call, _}} -> {error, {Reason, To}}
    end.

own_answer(Verb, Key, {reply, Value}) -> own("~s ~s -> ~s", [Verb, word(Key), Value]);
own_answer(Verb, Key, timeout) -> own("~s ~s failed: timeout", [Verb, word(Key)]);
own_answer(Verb, Key, {error, {Reason, _}}) -> own("~s ~s failed: ~s", [Verb, word(Key), text(Reason)]).

gathered() ->
    case get(gathered) of
        undefined -> gen_server:reqids_new();
        Gathered -> Gathered
    end.

fetch_any(Verb, Fetch, Timeout) ->
    case gen_server:Fetch(gathered(), Timeout, true) of
        no_request -> own("~s -> no request", [Verb]);
        timeout ->
            Verb =:= collect andalso erase(gathered),
            own("~s -> nothing yet", [Verb]);
        {Answer, Key, Left} ->
            put(gathered, Left),
            own_answer(Verb, Key, Answer)
    end.

%% An answer is fetched once.
receive_answer(Key, Timeout) ->
    case erase({request, Key}) of
        undefined -> next;
        Request -> own_answer('receive', Key, gen_server:receive_response(Request, Timeout))
    end.

await(Verb, Key, Timeout) ->
    case get({request, Key}) of
        undefined -> next;
        Request ->
            case gen_server:wait_response(Request, Timeout) of
                timeout -> own("~s ~s -> nothing yet", [Verb, Key]);
                Answer ->
                    erase({request, Key}),
                    own_answer(Verb, Key, Answer)
            end
    end.

send({global, Name}, Message) -> global:send(Name, Message);
send(To, Message) -> To ! Message.

halt_it(Word, Reason, Timeout) ->
    Stopped = try text(gen_server:stop(target(Word), Reason, Timeout)) catch exit:Other -> text(Other) end,
    own("halt ~s -> ~s", [word(Word), Stopped]).

inside(Word, Do) ->
    inside_of(find(Word), Do).

inside_of(undefined, _) -> "nobody";
inside_of(Pid, Do) ->
    try text(Do(Pid)) catch
        exit:{Reason, {sys, _, _}} -> text(Reason);
        error:{callback_failed, _, _} -> "failed"
    end.

counted(ok) -> ok;
counted({ok, no_statistics}) -> no_statistics;
counted({ok, Counted}) ->
    list_to_atom(format("in ~w, out ~w", [proplists:get_value(Key, Counted) || Key <- [messages_in, messages_out]])).

start_any(plain, Label, Rest) ->
    Spawn = case {lists:member(link, Rest), lists:member(monitor, Rest)} of
        {true, _} -> fun(F) -> {ok, spawn_link(F)} end;
        {_, true} -> fun(F) -> {ok, spawn_monitor(F)} end;
        _ -> fun(F) -> {ok, spawn(F)} end
    end,
    watched(Label, spawn_plain(Spawn, Label, block(Rest)));
start_any(server, Label, Rest) ->
    Start = case {lists:member(link, Rest), lists:member(monitor, Rest)} of
        {true, _} -> start_link;
        {_, true} -> start_monitor;
        _ -> start
    end,
    watched(Label, without_exit(Label, start(Start, Label, Rest))).

%% After a failed start OTP 26 takes the exit of its link out of the mailbox; OTP 25 leaves it there, now and then.
without_exit(Label, {error, _} = Failed) ->
    case find(Label) of
        undefined -> Failed;
        Pid -> receive {'EXIT', Pid, _} -> Failed after 0 -> Failed end
    end;
without_exit(_, Started) ->
    Started.

start(Start, Label, Rest) ->
    Options = [{timeout, ticks(N)} || N <- option(within, Rest)]
        ++ [{hibernate_after, ticks(N)} || N <- option(hibernate_after, Rest)],
    Plan = {Label, block(Rest), none},
    case option(name, Rest) of
        [] -> gen_server:Start(puppet, Plan, Options);
        [{name, Name}] -> gen_server:Start({local, Name}, puppet, Plan, Options);
        [{global, Name}] -> gen_server:Start({global, Name}, puppet, Plan, Options)
    end.

watched(Label, {ok, {_, Reference}} = Started) when is_reference(Reference) ->
    put({monitor, Label}, Reference),
    Started;
watched(_, Started) ->
    Started.

started({ok, _}) -> "ok";
started(ignore) -> "ignored";
started({error, {already_started, Pid}}) -> format("taken ~s", [called(Pid)]);
started({error, Reason}) -> format("failed ~s", [text(Reason)]).

%% What follows a word, and the last block, which is what a new process does first.
option(Word, [Word, Value | _]) -> [Value];
option(Word, [_ | Rest]) -> option(Word, Rest);
option(_, []) -> [].

block(Args) ->
    case [Block || Block <- Args, is_list(Block)] of
        [] -> [];
        Blocks -> lists:last(Blocks)
    end.

pid({name, Name}) -> whereis(Name);
pid({global, Name}) -> global:whereis_name(Name);
pid(Label) -> find(Label).

target({name, Name}) -> Name;
target({global, _} = Name) -> Name;
target(Label) -> find(Label).

all_of([]) -> "none";
all_of(Texts) -> lists:join(", ", Texts).

%% A word as the script has it.
word({name, Name}) -> format("@~s", [Name]);
word({global, Name}) -> format("%~s", [Name]);
word(Word) -> atom_to_list(Word).

%% A reason as both sides write it.
text({shutdown, {failed_to_start_child, Id, Reason}}) -> format("shutdown(failed_to_start ~s ~s)", [Id, text(Reason)]);
text({shutdown, {Module, Function, [_ | _]}}) -> text_of_request(shutdown, Module, Function);
text({start_spec, _}) -> "bad_spec";
text({bad_start_spec, _}) -> "bad_spec";
text({shutdown, Detail}) -> format("shutdown(~s)", [text(Detail)]);
text({Reason, {Module, Function, [_ | _]}}) -> text_of_request(Reason, Module, Function);
text({Word, [Frame | _]}) when is_tuple(Frame) -> format("panic(~s)", [text(Word)]);
text(Reason) when is_atom(Reason) -> atom_to_list(Reason);
text(Reason) -> format("~0p", [Reason]).

%% What a call was to do is not told here, and a stop is no call.
text_of_request(Reason, gen_server, call) -> format("call(~s)", [text(Reason)]);
text_of_request(Reason, _, _) -> text(Reason).

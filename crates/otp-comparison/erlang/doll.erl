%% An event manager's handler that does as it is told, and what can be asked of managers.
-module(doll).
-behaviour(gen_event).
-export([act/1, init/1, handle_event/2, handle_call/2, handle_info/2, terminate/2]).

-import(comparison, [born/2, log/3, called/1, find/1, ticks/1, format/2]).
-import(puppet, [own/2, text/1]).

%% ---- The handler.

init({{Manager, Id, Program}, Left}) ->
    begins({Manager, Id}, after_what(Left), Program);
init({Manager, Id, Program}) ->
    begins({Manager, Id}, "init", Program).

begins(Who, Text, Program) ->
    note(Who, "|", Text),
    case obey(Program, {Who, []}) of
        {ok, State} -> {ok, State};
        Other -> Other
    end.

after_what(error) -> "init after nothing";
after_what({'EXIT', _}) -> "init after crash";
after_what(_) -> "init after left".

handle_event({happening, From, Program}, {Who, _} = State) ->
    note(Who, "<" ++ From, format("event from ~s", [From])),
    obey(mine(Program, Who), State).

handle_call({question, From, Program}, {Who, _} = State) ->
    note(Who, "<" ++ From, format("call from ~s", [From])),
    obey(Program, State).

handle_info({message, From, Program}, {Who, _} = State) ->
    note(Who, "<" ++ From, format("info from ~s", [From])),
    obey(mine(Program, Who), State);
handle_info({'EXIT', Pid, Reason}, {Who, _} = State) ->
    note(Who, "<" ++ called(Pid), format("exit ~s ~s", [called(Pid), text(Reason)])),
    {ok, State}.

terminate(Why, {Who, AtTheEnd} = State) ->
    note(Who, "|", format("terminate ~s", [why(Why)])),
    obey(AtTheEnd, State),
    left.

why({error, {'EXIT', Reason}}) -> format("error ~s", [text(Reason)]);
why({error, Reason}) -> format("error ~s", [text(Reason)]);
why({stop, Reason}) -> format("stop ~s", [text(Reason)]);
why(Word) -> text(Word).

note({Manager, Id}, Kind, Text) -> log(format("~s/~s", [Manager, Id]), Kind, Text).

%% What is there for this handler.
mine(Program, {_, Id}) ->
    case [Mine || {for, It, Mine} <- Program, It =:= Id] of
        [] -> [];
        [Mine | _] -> Mine
    end.

obey([], State) -> {ok, State};
obey([Action | Rest], {{Manager, _} = Who, AtTheEnd} = State) ->
    case Action of
        {say, Word} ->
            note(Who, ".", format("said ~s", [Word])),
            obey(Rest, State);
        {on, terminate, Program} -> obey(Rest, {Who, Program});
        {leave} -> remove_handler;
        {hibernate} -> {ok, State, hibernate};
        {raise, Word} -> error(Word);
        {fail, Reason} -> exit(Reason);
        {swap_to, Id, Program} -> {swap_handler, swapped, {Who, AtTheEnd}, {doll, Id}, {Manager, Id, Program}};
        {reply, Value} -> {ok, Value, State};
        {reply_leave, Value} -> {remove_handler, Value}
    end.

%% ---- What processes ask of managers. Does it if it is that.

act(Action) ->
    try do(Action) catch
        %% A manager that has ended, or ends meanwhile.
        exit:Reason ->
            [Verb, M | Rest] = tuple_to_list(Action),
            Ids = [Word || Word <- [M | Rest], is_atom(Word), Word =/= owned],
            Shown = case Verb of
                swap -> [lists:nth(1, Ids), lists:nth(2, Ids), lists:nth(4, Ids)];
                delete -> lists:sublist(Ids, 2);
                _ -> Ids
            end,
            own("~s ~s -> ~s", [Verb, lists:join(" ", [atom_to_list(It) || It <- Shown]), text(reason(Reason))])
    end.

%% A request fails with the reason, or with the reason and what was asked.
reason({Reason, {gen_event, _, _}}) -> Reason;
reason(Reason) -> Reason.

do({add, M, Id, Program}) -> added(add, M, Id, gen_event:add_handler(find(M), {doll, Id}, {called(find(M)), Id, Program}));
do({add, M, Id, owned, Program}) ->
    added(add, M, Id, gen_event:add_sup_handler(find(M), {doll, Id}, {called(find(M)), Id, Program}));
do({delete, M, Id, Word}) ->
    Deleted = case gen_event:delete_handler(find(M), {doll, Id}, Word) of
        {error, module_not_found} -> "not_found";
        {'EXIT', Reason} -> format("failed ~s", [text(Reason)]);
        left -> "ok"
    end,
    own("delete ~s ~s -> ~s", [M, Id, Deleted]);
do({swap, M, Old, Word, New, Program}) ->
    swapped(M, Old, New, gen_event:swap_handler(find(M), {{doll, Old}, Word}, {{doll, New}, {called(find(M)), New, Program}}));
do({swap, M, Old, Word, New, owned, Program}) ->
    swapped(M, Old, New,
        gen_event:swap_sup_handler(find(M), {{doll, Old}, Word}, {{doll, New}, {called(find(M)), New, Program}}));
do({ask, M, Id, Program}) -> ask(M, Id, Program, infinity);
do({ask, M, Id, Program, within, N}) -> ask(M, Id, Program, ticks(N));
do({notify, M, Program}) -> gen_event:notify(find(M), {happening, get(called), Program});
do({sync, M, Program}) ->
    Done = try text(gen_event:sync_notify(find(M), {happening, get(called), Program})) catch exit:Reason -> text(Reason) end,
    own("sync ~s -> ~s", [M, Done]);
do({tell, M, Program}) -> find(M) ! {message, get(called), Program};
do({handlers, M}) ->
    Ids = [atom_to_list(Id) || {doll, Id} <- gen_event:which_handlers(find(M))],
    own("handlers ~s -> ~s", [M, puppet:all_of(Ids)]);
do(Action) ->
    [manager, Label | Rest] = tuple_to_list(Action),
    Start = case lists:member(link, Rest) of
        true -> start_link;
        false -> start
    end,
    Started = case Rest of
        [name, {name, Name} | _] -> gen_event:Start({local, Name});
        _ -> gen_event:Start()
    end,
    case Started of
        {ok, Pid} ->
            born(Label, Pid),
            own("manager ~s -> ok", [Label]);
        {error, {already_started, _}} -> own("manager ~s -> failed already_started", [Label])
    end.

added(Verb, M, Id, ok) -> own("~s ~s ~s -> ok", [Verb, M, Id]);
added(Verb, M, Id, {'EXIT', Reason}) -> own("~s ~s ~s -> failed ~s", [Verb, M, Id, text(Reason)]).

swapped(M, Old, New, Swapped) ->
    Text = case Swapped of
        ok -> "ok";
        {error, {'EXIT', Reason}} -> format("failed ~s", [text(Reason)]);
        {error, Reason} -> format("failed ~s", [text(Reason)])
    end,
    own("swap ~s ~s ~s -> ~s", [M, Old, New, Text]).

ask(M, Id, Program, Timeout) ->
    Answer = try gen_event:call(find(M), {doll, Id}, {question, get(called), Program}, Timeout) of
        {error, bad_module} -> "not_found";
        {error, {'EXIT', Reason}} -> format("failed ~s", [text(Reason)]);
        Value -> text(Value)
    catch
        exit:{Reason, {gen_event, call, _}} -> text(Reason);
        exit:Reason -> text(Reason)
    end,
    own("ask ~s ~s -> ~s", [M, Id, Answer]).

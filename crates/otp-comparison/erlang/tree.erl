%% Supervisors, and what can be asked of them.
-module(tree).
-behaviour(supervisor).
-export([act/1, init/1, start/2, start_child/3, start_dynamic/2]).

-import(comparison, [born/2, called/1, find/1, ticks/1, format/2]).
-import(puppet, [own/2, text/1]).

init({dynamic, Label, Restarts, Seconds, Restart, Shutdown}) ->
    born(Label, self()),
    Flags = #{strategy => simple_one_for_one, intensity => Restarts, period => Seconds},
    Child = #{id => child, start => {tree, start_dynamic, []}, restart => Restart, shutdown => shutdown(Shutdown)},
    {ok, {Flags, [Child]}};
init({Label, [Strategy, Restarts, Seconds | Rest]}) ->
    {Called, _} = born(Label, self()),
    Auto = case Rest of
        [auto, any | _] -> any_significant;
        [auto, all | _] -> all_significant;
        _ -> never
    end,
    Flags = #{strategy => Strategy, intensity => Restarts, period => Seconds, auto_shutdown => Auto},
    {ok, {Flags, [spec(Called, tuple_to_list(Child)) || Child <- block(Rest)]}}.

spec(Called, [child, Id, Restart, Shutdown | Rest]) ->
    #{
        id => Id,
        start => {tree, start_child, [Id, block(Rest), Called]},
        restart => Restart,
        shutdown => shutdown(Shutdown),
        significant => lists:member(significant, Rest)
    };
spec(_, [child_sup, Id | Rest]) ->
    #{id => Id, start => {tree, start, [Id, Rest]}, type => supervisor}.

shutdown(brutal) -> brutal_kill;
shutdown(infinity) -> infinity;
shutdown(N) -> ticks(N).

block(Args) ->
    case [Block || Block <- Args, is_list(Block)] of
        [] -> [];
        Blocks -> lists:last(Blocks)
    end.

start(Label, Rest) ->
    case Rest of
        [_, _, _, name, {name, Name} | _] -> supervisor:start_link({local, Name}, tree, {Label, Rest});
        _ -> supervisor:start_link(tree, {Label, Rest})
    end.

start_child(Id, Program, WardOf) -> gen_server:start_link(puppet, {Id, Program, WardOf}, []).

start_dynamic(Id, Program) -> gen_server:start_link(puppet, {Id, Program, none}, []).

%% Does it if it is about a supervisor.
act(Action) ->
    case Action of
        {Verb, Word} when Verb =:= which; Verb =:= count ->
            try do(Action) catch
                exit:{Reason, {gen_server, call, _}} -> own("~s ~s -> ~s", [Verb, Word, text(Reason)])
            end;
        {_, _} -> do(Action);
        _ ->
            [Verb, Word, Third | _] = tuple_to_list(Action),
            Id = case Third of
                [Child] -> element(2, Child);
                _ -> Third
            end,
            try do(Action) catch
                exit:{Reason, {gen_server, call, _}} -> own("~s ~s ~s -> ~s", [Verb, Word, Id, text(Reason)])
            end
    end.

do({start_child, Word, [Child]}) ->
    [_, Id | Rest] = tuple_to_list(Child),
    Started = case is_dynamic(Word) of
        true -> supervisor:start_child(find(Word), [Id, block(Rest)]);
        false -> supervisor:start_child(find(Word), spec(called(find(Word)), tuple_to_list(Child)))
    end,
    own("start_child ~s ~s -> ~s", [Word, Id, started(Started)]);
do({terminate_child, Word, Id}) ->
    Child = case is_dynamic(Word) of
        true -> find(Id);
        false -> Id
    end,
    own("terminate_child ~s ~s -> ~s", [Word, Id, done(supervisor:terminate_child(find(Word), Child))]);
do({restart_child, Word, Id}) ->
    own("restart_child ~s ~s -> ~s", [Word, Id, started(supervisor:restart_child(find(Word), Id))]);
do({delete_child, Word, Id}) ->
    own("delete_child ~s ~s -> ~s", [Word, Id, done(supervisor:delete_child(find(Word), Id))]);
do({which, Word}) ->
    Children = supervisor:which_children(find(Word)),
    Shown = case is_dynamic(Word) of
        true -> lists:sort([format("~s ~s", [label(Pid), state(Pid)]) || {_, Pid, _, _} <- Children]);
        false -> [format("~s ~s", [Id, state(Pid)]) || {Id, Pid, _, _} <- Children]
    end,
    own("which ~s -> ~s", [Word, puppet:all_of(Shown)]);
do({count, Word}) ->
    Counts = supervisor:count_children(find(Word)),
    Of = fun(Key) -> proplists:get_value(Key, Counts) end,
    own("count ~s -> specs ~w, active ~w, supervisors ~w, workers ~w",
        [Word, Of(specs), Of(active), Of(supervisors), Of(workers)]);
do(Action) ->
    case tuple_to_list(Action) of
        [sup, Label | Rest] ->
            own("sup ~s -> ~s", [Label, started(puppet:without_exit(Label, start(Label, Rest)))]);
        [dynamic, Label, Restarts, Seconds, Restart, Shutdown] ->
            Started = supervisor:start_link(tree, {dynamic, Label, Restarts, Seconds, Restart, Shutdown}),
            put({dynamic, Label}, true),
            own("dynamic ~s -> ~s", [Label, started(Started)]);
        _ -> unknown
    end.

%% The starter of a dynamic supervisor is who asks it something, too.
is_dynamic(Word) -> get({dynamic, Word}) =:= true.

label(Pid) -> hd(string:split(called(Pid), "#")).

state(Pid) when is_pid(Pid) -> running;
state(undefined) -> stopped;
state(restarting) -> restarting.

started({ok, undefined}) -> "ignored";
started({ok, _}) -> "ok";
started({error, {already_started, _}}) -> "already_started";
started({error, {bad_combination, _}}) -> "failed bad_spec";
started({error, {Reason, Child}}) when element(1, Child) =:= child -> format("failed ~s", [text(Reason)]);
started({error, Reason}) when Reason =:= already_present; Reason =:= running; Reason =:= restarting;
                              Reason =:= not_found -> atom_to_list(Reason);
started({error, Reason}) -> format("failed ~s", [text(Reason)]).

done(ok) -> "ok";
done({error, Reason}) -> text(Reason).

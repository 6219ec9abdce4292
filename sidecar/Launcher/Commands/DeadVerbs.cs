using System.CommandLine;
using System.Globalization;
using Launcher.Access;
using Launcher.Data;
using Launcher.DeadLetters;

namespace Launcher.Commands;

/// <summary>
/// <c>daprw dead …</c>: the dead letters that the apps of a run have stored. The apps need not be there; without the run one app at a time
/// is asked of the data that it left.
/// </summary>
internal sealed class DeadVerbs(Func<ParseResult, DataDirectory> directory)
{
    private static readonly Option<string> App = new("--app-id", "--app", "-a") { Description = "Only those of this app", Recursive = true };
    private static readonly Option<string> Topic = new("--topic", "-t") { Description = "Only those of this topic", Recursive = true };
    private static readonly Option<string> Store = new("--store") { Description = "State store where the apps keep them", Recursive = true, DefaultValueFactory = _ => "statestore" };
    private static readonly Option<string> RunFile = new("--run-file") { Description = "Run template, or the folder of a dapr.yaml", Recursive = true, DefaultValueFactory = _ => "dapr.yaml" };

    public static Command Create(Func<ParseResult, Option<string>, DataDirectory> directory)
    {
        var verbs = new DeadVerbs(parsed => directory(parsed, RunFile));
        return new Command("dead", "See messages that no handler took, publish them again or drop them") { App, Topic, Store, RunFile, verbs.List(), verbs.Show(), verbs.Replay(), verbs.Drop() };
    }

    private Command List()
    {
        var output = new Option<string>("--output", "-o") { Description = "table or json", DefaultValueFactory = _ => "table" }.AcceptOnlyFromAmong("table", "json");
        return Verb(new Command("list", "Show the dead letters with reason, and how many of their topic there ever were") { output }, async (parsed, sidecars) =>
        {
            var letters = await sidecars.ListAsync();
            if (parsed.GetValue(output) == "json")
            {
                DeadLetterPrinter.PrintJson(letters, withPayload: false);
            }
            else if (letters.Count == 0)
            {
                Console.WriteLine("no dead letters");
            }
            else
            {
                DeadLetterPrinter.PrintTable(letters);
            }
        });
    }

    private Command Show()
    {
        var ids = new Argument<string[]>("id") { Description = "Messages", Arity = ArgumentArity.OneOrMore };
        return Verb(new Command("show", "Show dead letters with their payload, as JSON") { ids }, async (parsed, sidecars) =>
            DeadLetterPrinter.PrintJson(Chosen(await sidecars.ListAsync(), parsed.GetValue(ids) ?? [], all: false), withPayload: true));
    }

    private Command Replay()
    {
        var (ids, all) = Choice();
        return Verb(new Command("replay", "Publish dead letters again on their topic, under their own ids") { ids, all }, async (parsed, sidecars) =>
        {
            var chosen = Chosen(await sidecars.ListAsync(), parsed.GetValue(ids) ?? [], parsed.GetValue(all));
            // What several apps could not handle goes to all of them anyway. It leaves the lists once the broker has it: who dies in between
            // publishes it twice, under one id.
            foreach (var same in chosen.GroupBy(letter => (letter.Component, letter.Topic, letter.Id)))
            {
                await sidecars.PublishAsync(same.First());
                foreach (var letter in same)
                {
                    await sidecars.RemoveAsync(letter);
                }

                Console.WriteLine($"{same.Key.Id} is published again on {same.Key.Topic}{(sidecars.IsOffline ? "; it is delivered when its apps run again" : "")}");
            }

            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"replayed {chosen.Count}"));
        });
    }

    private Command Drop()
    {
        var (ids, all) = Choice();
        var yes = new Option<bool>("--yes", "-y") { Description = "Do not ask" };
        return Verb(new Command("drop", "Delete dead letters for good") { ids, all, yes }, async (parsed, sidecars) =>
        {
            var chosen = Chosen(await sidecars.ListAsync(), parsed.GetValue(ids) ?? [], parsed.GetValue(all));
            if (chosen.Count > 0 && !parsed.GetValue(yes) && !OtherCommands.Confirmed(string.Create(CultureInfo.InvariantCulture, $"delete {chosen.Count} dead letters? [y/N] ")))
            {
                throw new LauncherException("nothing dropped; answer y, or give --yes");
            }

            foreach (var letter in chosen)
            {
                await sidecars.RemoveAsync(letter);
            }

            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"dropped {chosen.Count}"));
        });
    }

    private static (Argument<string[]> Ids, Option<bool> All) Choice() => (
        new Argument<string[]>("id") { Description = "Messages", Arity = ArgumentArity.ZeroOrMore }, new Option<bool>("--all") { Description = "All of them (of the app and topic)" });

    private static List<DeadLetter> Chosen(List<DeadLetter> letters, string[] ids, bool all)
    {
        if (ids.Length > 0 == all)
        {
            throw new LauncherException("give ids, or --all", 2);
        }

        return ids.FirstOrDefault(id => letters.All(letter => letter.Id != id)) is { } unknown
            ? throw new LauncherException($"there is no dead letter '{unknown}'")
            : all ? letters : [.. letters.Where(letter => ids.Contains(letter.Id))];
    }

    private Command Verb(Command command, Func<ParseResult, DeadLetterSidecars, Task> act)
    {
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var sidecars = new DeadLetterSidecars(
                directory(parsed), parsed.GetValue(App), parsed.GetValue(Topic), parsed.GetRequiredValue(Store), TimeProvider.System, cancellationToken);
            await act(parsed, sidecars);
            return 0;
        });
        return command;
    }
}

using System.Globalization;
using System.Text;
using Distributed.Coordinator.Core;
using Distributed.Framework.Training;
using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;
using static Distributed.Coordinator.Core.CoordinatorOrder;
using static Distributed.Coordinator.Core.CoordinatorReport;

namespace Distributed.Coordinator.Tests;

/// <summary>Plays the commands of a scenario to a coordinator and writes down what it wants.</summary>
/// <remarks>
/// Lines: '# why', 'new shards=8 steps=3 ...' (a coordinator), 'TIME: command', 'asleep
/// until TIME' (no ticks meanwhile). Deadlines on the way to TIME become
/// ticks of their own, with bytes heard of every worker that is not silent. Commands: w1 joins [name=N host=H process=N
/// threads=N version=V numerics=N], w1 ready, w1 arrives (both), w1 started [threads=N] (in the coordinator's process),
/// w1 beats, w1 heard, w1 silent, w1 sum s0 0..4 #10 [(level,index) term=N finite=no], w1 leaves,
/// w1 lost, stepped s0, step fails s0, validated s1, saved s1, save fails s1, stop, tick. Heartbeat answers are left
/// out, as are lines for people unless lines=1: they would hide the rest.
/// </remarks>
internal sealed class Transcript
{
    private readonly StringBuilder _text = new();
    private readonly HashSet<SessionId> _silent = [];
    private readonly SortedSet<SessionId> _present = [];
    private CoordinatorMachine _machine = null!;
    private Term _term;
    private Dictionary<string, string> _settings = [];
    private Timestamp _now;

    /// <summary>Between two lines: what comes out is marked with its own time.</summary>
    private bool _isOnTheWay;

    public static string Play(IEnumerable<string> lines)
    {
        Transcript transcript = new();
        foreach (string line in lines.Where(line => !line.StartsWith("->", StringComparison.Ordinal)))
        {
            transcript._text.AppendLine(line);
            if (line.StartsWith("new", StringComparison.Ordinal))
            {
                transcript.Create(line);
            }
            else if (line.StartsWith("asleep until ", StringComparison.Ordinal))
            {
                transcript._now = Time(line["asleep until ".Length..]);
                transcript.Send(new Tick());
            }
            else if (line.Length > 0 && line[0] != '#')
            {
                transcript.Do(line);
            }
        }

        return transcript._text.ToString();
    }

    private void Create(string line)
    {
        _settings = Settings(line.Split(' '));
        int shards = Setting("shards", 4);
        _now = Timestamp.Zero;
        _present.Clear();
        _silent.Clear();
        _term = new Term(Setting("term", 1));
        _machine = new CoordinatorMachine(
            _term,
            new Step(Setting("first", 0)),
            BatchSchedule.ForSteps(Setting("samples", shards), shards, shard: 1, Setting("steps", 3)),
            new CoordinatorOptions
            {
                Version = "1",
                Numerics = "fma",
                WorkersMin = Setting("min", 1),
                WorkersMax = Setting("max", 16),
                CheckpointEvery = Setting("save", 0),
                HasValidation = Setting("validate", 0) == 1,
                ValidationGapMin = TimeSpan.FromSeconds(Setting("gap", 60)),
            });
        Send(new Started());
    }

    private void Do(string line)
    {
        string[] halves = line.Split(": ", 2);
        Timestamp until = Time(halves[0]);
        _isOnTheWay = true;
        while (_machine.NextDeadline is { } deadline && deadline <= until)
        {
            _now = deadline;
            foreach (SessionId worker in _present.Where(worker => !_silent.Contains(worker)))
            {
                Send(new WorkerHeard(worker));
            }

            Send(new Tick());
        }

        _isOnTheWay = false;
        _now = until;
        string[] words = halves[1].Split(' ');
        if (words[0][0] == 'w')
        {
            DoWorker(new SessionId(int.Parse(words[0].AsSpan(1), CultureInfo.InvariantCulture)), words);
            return;
        }

        Step step = words[^1][0] == 's' && char.IsDigit(words[^1][^1]) ? Step(words[^1]) : default;
        Send((words[0], words.Length > 1 ? words[1] : "") switch
        {
            ("stepped", _) => new Stepped(step),
            ("step", "fails") => new StepFailed(step, "the loss is NaN"),
            ("validated", _) => new Validated(step),
            ("saved", _) => new Saved(step),
            ("save", "fails") => new SaveFailed(step, "no space left"),
            ("stop", var forWhom) => new StopRequested(forWhom == "for-all"),
            ("tick", _) => new Tick(),
            _ => throw new FormatException(line),
        });
    }

    private void DoWorker(SessionId worker, string[] words)
    {
        Dictionary<string, string> said = Settings(words);
        string Say(string name, string otherwise) => said.GetValueOrDefault(name, otherwise);
        switch (words[1])
        {
            case "joins" or "arrives":
                _present.Add(worker);
                int threads = int.Parse(Say("threads", "1"), CultureInfo.InvariantCulture);
                long process = long.Parse(Say("process", $"{worker.Value}"), CultureInfo.InvariantCulture);
                string name = Say("name", $"{worker}");
                Send(
                    worker,
                    new WorkerMessage.Join(name, Say("version", "1"), Say("numerics", "fma"), threads, process),
                    Say("host", ""));
                if (words[1] == "arrives")
                {
                    Send(worker, new WorkerMessage.Ready(_term));
                }

                break;
            case "started": Send(new WorkerStarted(worker, Threads: int.Parse(Say("threads", "1"), null))); break;
            case "ready": Send(worker, new WorkerMessage.Ready(_term)); break;
            case "beats": Send(worker, new WorkerMessage.Heartbeat(_term, IsReady: true)); break;
            case "heard": _silent.Remove(worker); Send(new WorkerHeard(worker)); break;
            case "silent": _silent.Add(worker); break;
            case "leaves": _present.Remove(worker); Send(worker, new WorkerMessage.Leave(_term)); break;
            case "lost": _present.Remove(worker); Send(new WorkerLost(worker, "link closed")); break;
            case "sum":
                Step step = Step(words[2]);
                int[] ends = [.. words[3].Split("..").Select(end => int.Parse(end, CultureInfo.InvariantCulture))];
                ReductionTree tree = new(Setting("shards", 4));
                TreeNode node = words.Length > 5 && words[5].StartsWith('(')
                    ? new TreeNode(words[5][1] - '0', words[5][3] - '0')
                    : tree.FirstMaximal(new ShardRange(ends[0], ends[1]));
                Term term = new(int.Parse(Say("term", $"{_term.Value}"), CultureInfo.InvariantCulture));
                Send(worker, new WorkerMessage.GradientSum(term, step, node, ends[1] - ends[0], Loss: 1, default)
                {
                    Payload = new NamedPayload(words[4]),
                    IsFinite = Say("finite", "yes") == "yes",
                });
                break;
            default: throw new FormatException(words[1]);
        }
    }

    private void Send(CoordinatorReport report)
    {
        List<CoordinatorOrder> orders = [];
        _machine.Handle(report, _now, orders);
        Write(orders);
    }

    private void Send(SessionId from, WorkerMessage message, string host = "")
    {
        List<CoordinatorOrder> orders = [];
        _machine.Handle(from, message, _now, orders, host);
        Write(orders);
    }

    private void Write(List<CoordinatorOrder> orders)
    {
        bool hasLines = Setting("lines", 0) == 1;
        foreach (CoordinatorOrder order in orders.Where(order =>
            order is not CoordinatorOrder.Send { Message: CoordinatorMessage.Heartbeat }
            && (hasLines || order is not Announce)))
        {
            string at = _isOnTheWay ? $"{_now}: " : "";
            _text.AppendLine(CultureInfo.InvariantCulture, $"-> {at}{Describe(order)}");
        }
    }

    private static string Describe(CoordinatorOrder order) => order switch
    {
        AverageAndStep step => $"AverageAndStep {step.Step} [{string.Join(" + ", step.Sums.Select(s => s.Payload))}]",
        Send send => $"{send.To}: {Describe(send.Message)}",
        Release release => $"Release {release.Gradient}: {release.Why}",
        Close close => $"Close {close.Worker}: {close.Why}",
        Announce announce => $"Announce: {announce.Line}",
        _ => order.ToString(),
    };

    private static string Describe(CoordinatorMessage message) => message switch
    {
        CoordinatorMessage.Welcome welcome => $"Welcome {welcome.Term}",
        CoordinatorMessage.Refuse refuse => $"Refuse {refuse.Refusal}: {refuse.Reason}",
        CoordinatorMessage.Weights weights => $"Weights {weights.Term} {weights.Step}",
        CoordinatorMessage.Assign assign => $"Assign {assign.Term} {assign.Step} {assign.Shards}",
        CoordinatorMessage.Finish finish => $"Finish: {finish.Reason}",
        _ => message.ToString(),
    };

    private static Timestamp Time(string word) =>
        new(TimeSpan.FromSeconds(double.Parse(word.TrimEnd('s'), CultureInfo.InvariantCulture)));

    private static Step Step(string word) => new(int.Parse(word.AsSpan(1), CultureInfo.InvariantCulture));

    private static Dictionary<string, string> Settings(string[] words) => words
        .Select(word => word.Split('=')).Where(pair => pair.Length == 2).ToDictionary(pair => pair[0], pair => pair[1]);

    private int Setting(string name, int otherwise) =>
        _settings.TryGetValue(name, out string? value) ? int.Parse(value, CultureInfo.InvariantCulture) : otherwise;
}

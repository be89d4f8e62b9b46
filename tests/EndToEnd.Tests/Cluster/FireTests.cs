using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Distributed.EndToEnd.Tests.Harness;
using Xunit.Abstractions;

namespace Distributed.EndToEnd.Tests.Cluster;

/// <summary>Real processes under fire: whatever is killed, stopped or cut, the bits stay the same.</summary>
public sealed class FireTests(ITestOutputHelper output) : IDisposable
{
    private const int Workers = 4;

    /// <summary>On a machine that does nothing else; what else it does costs its time.</summary>
    private static readonly TimeSpan s_gapMax = TimeSpan.FromSeconds(Scale.Of(small: 60, full: 15));
    private readonly string _folder = Directory.CreateTempSubdirectory("distributed-fire-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>
    /// Goal: faults cost time only. Method: a coordinator, a standby and 4 workers on hosts of their own; again and
    /// again a fault drawn from a seed: kill -9, SIGSTOP, SIGTERM, a cut or half cut cable, a full disk, coordinators
    /// too; what went is started anew. Every run must end, with the local run's hash.
    /// </summary>
    [FactWith(Need.Namespaces)]
    public async Task Faults_OfEveryKind_CostOnlyTime()
    {
        int faults = Scale.Of(small: 20, full: 200);
        (Hosts? made, string why) = Hosts.Make(Workers + 2);
        Assert.True(made is not null, why);
        using Hosts hosts = made;
        using SmallDisk? disk = SmallDisk.Mount(Path.Combine(_folder, "disk"), megabytes: 32);
        Assert.True(disk is not null, "Who may make network namespaces may mount a file system.");
        int done = 0;
        for (int run = 0; done < faults; run++)
        {
            string expected = await Battle.LocalHashAsync(Path.Combine(_folder, $"local-{run}"), run);
            await using Battle battle = new(hosts, disk, $"run-{run}", seed: run);
            done += await battle.FightAsync(faults - done);
            output.WriteLine(battle.Report());
            Assert.Equal(expected, battle.Hash);
            Assert.True(battle.LongestGap < s_gapMax, battle.Report());
        }
    }

    /// <summary>One run and what is done to it.</summary>
    private sealed class Battle(Hosts hosts, SmallDisk disk, string name, int seed) : IAsyncDisposable
    {
        private const int Steps = 1500;
        private const int Port = 5500;
        private const int DiskFull = 5;
        private static readonly TimeSpan s_runMax = TimeSpan.FromMinutes(10);

#pragma warning disable CA5394 // A seed must replay.
        private readonly Random _random = new(seed);
#pragma warning restore CA5394
        private readonly RunningProgram?[] _programs = new RunningProgram?[Workers + 2];
        private readonly List<string> _log = [];
        private readonly Stopwatch _watch = Stopwatch.StartNew();
        private readonly string _run = Path.Combine(disk.Folder, name);
        private readonly string _secrets = Path.Combine(disk.Folder, $"{name}-secrets");
        private TimeSpan _waited;
        private TimeSpan _progressAt;
        private TimeSpan _gapAt;
        private int _lines;

        /// <summary>The final weights.</summary>
        public string Hash { get; private set; } = "";

        /// <summary>Longest time without a step, but for a coordinator that was stopped or cut off.</summary>
        public TimeSpan LongestGap { get; private set; }

        public static async Task<string> LocalHashAsync(string folder, int seed)
        {
            using RunningProgram local = new(
                "coordinator", ["train", "--run", folder, "--workers", "2", .. Settings(seed)], environment: null);
            Assert.True(await local.ExitCodeAsync() == 0, local.Error);
            return SmallRun.Hash(local);
        }

        public string Report() => string.Create(
            CultureInfo.InvariantCulture,
            $"Run {seed}: {_log.Count} faults in {_watch.Elapsed.TotalSeconds:0} s, longest gap "
            + $"{LongestGap.TotalSeconds:0.0} s (to {_gapAt.TotalSeconds:0.0} s), "
            + $"waited for coordinators {_waited.TotalSeconds:0.0} s, "
            + $"{Steps / _watch.Elapsed.TotalSeconds:0.0} steps/s kept.\n{string.Join('\n', _log)}");

        /// <summary>Runs to the end; how many faults there were.</summary>
        public async Task<int> FightAsync(int faultsMax)
        {
            using (RunningProgram secrets = new("coordinator", ["secrets", _secrets], environment: null))
            {
                Assert.True(await secrets.ExitCodeAsync() == 0, secrets.Error);
            }

            for (int host = 0; host < _programs.Length; host++)
            {
                Start(host);
            }

            while (FindEnd() is null)
            {
                Assert.True(_watch.Elapsed < s_runMax, $"The run does not end.\n{Report()}\n{Said()}");
                await PauseAsync(TimeSpan.FromSeconds(1 + (_random.NextDouble() * 2)));
                if (_log.Count < faultsMax && FindEnd() is null)
                {
                    await FaultAsync();
                }

                Revive();
            }

            RunningProgram ended = FindEnd()!;
            Hash = SmallRun.Hash(ended);
            foreach (RunningProgram worker in _programs.Skip(2).OfType<RunningProgram>())
            {
                // One that no coordinator could tell of the end gives up; one that was killed last stays dead, and
                // SIGTERM kills what has not begun.
                int code = await worker.ExitCodeAsync();
                bool isWell = code is 0 or 4 or 137 || (code == 143 && worker.Error.Length == 0);
                Assert.True(isWell, $"{code}\n{Report()}\n{worker.Error}");
            }

            return _log.Count;
        }

        public ValueTask DisposeAsync()
        {
            foreach (RunningProgram? program in _programs)
            {
                program?.Dispose();
            }

            return ValueTask.CompletedTask;
        }

        private static string[] Settings(int seed) =>
        [
            .. SmallRun.Configuration, "--steps", $"{Steps}", "--checkpoint-every", "50", "--seed", $"{seed}",
        ];

        private static string Name(int host) => host < 2 ? $"coordinator {host}" : $"worker {host}";

        private void Start(int host)
        {
            _programs[host]?.Dispose();
            string token = Path.Combine(_secrets, "join.token");
            _programs[host] = host < 2
                ? hosts.Start(host, "coordinator",
                [
                    "train", "--run", _run, "--resume=auto", "--or-standby", "--listen",
                    $"{Hosts.Address(host)}:{Port}", "--secrets", _secrets, "--workers", "0", .. Settings(seed),
                ])
                : hosts.Start(host, "worker",
                [
                    "--join", $"{Hosts.Address(0)}:{Port},{Hosts.Address(1)}:{Port}", "--token-file", token,
                    "--threads", "1", "--name", $"w{host}", "--give-up-after", "20s",
                ]);
        }

        /// <summary>Starts what has ended before the run did.</summary>
        private void Revive()
        {
            if (FindEnd() is not null)
            {
                return;
            }

            for (int host = 0; host < _programs.Length; host++)
            {
                if (_programs[host] is { HasExited: true })
                {
                    Start(host);
                }
            }
        }

        private RunningProgram? FindEnd() => _programs.Take(2).FirstOrDefault(
            program => program is { HasExited: true }
                && program.Output.Contains("weightsSha256", StringComparison.Ordinal)
                && JsonNode.Parse(program.Output.Split('\n').Last(line => line.StartsWith('{')))!["error"] is null);

        private async Task FaultAsync()
        {
            int host = _random.Next(_programs.Length);
            RunningProgram program = _programs[host]!;
            int kind = _random.Next(Kinds.Length);
            string whom = kind == DiskFull ? "" : $", {Name(host)}";
            _log.Add($"{_watch.Elapsed.TotalSeconds,6:0.0} s: {Kinds[kind]}{whom}");
            TimeSpan time = TimeSpan.FromSeconds(1 + (_random.NextDouble() * 11));
            switch (kind)
            {
                case 0:
                    program.KillHard();
                    break;
                case 1:
                    RunningProgram.Signal(program.Id, "-STOP");
                    await PauseAsync(time, isWaiting: host < 2);
                    RunningProgram.Signal(program.Id, "-CONT");
                    break;
                case 2:
                    hosts.Cut(host);
                    await PauseAsync(time, isWaiting: host < 2);
                    hosts.Mend(host);
                    break;
                case 3:
                    hosts.Mute(host);
                    await PauseAsync(time, isWaiting: host < 2);
                    hosts.Mend(host);
                    break;
                case 4:
                    RunningProgram.Signal(program.Id, "-TERM");
                    break;
                case DiskFull:
                    disk.Fill();
                    await PauseAsync(time, isWaiting: true);
                    disk.Empty();
                    break;
                default:
                    hosts.CutBetween(host, (host + 1) % _programs.Length);
                    await PauseAsync(time, isWaiting: host < 2);
                    hosts.Mend(host);
                    break;
            }
        }

        private static readonly string[] Kinds =
            ["kill -9", "SIGSTOP", "cable cut", "cable cut one way", "SIGTERM", "disk full", "cut from the next"];

        /// <summary>Lets time pass and watches for progress.</summary>
        private async Task PauseAsync(TimeSpan time, bool isWaiting = false)
        {
            TimeSpan began = _watch.Elapsed;
            while (_watch.Elapsed - began < time)
            {
                await Task.Delay(100);
                int lines = CountLines();
                if (lines != _lines || isWaiting || lines == 0)
                {
                    _lines = lines;
                    _progressAt = _watch.Elapsed;
                }

                TimeSpan gap = _watch.Elapsed - _progressAt;
                if (gap > LongestGap && FindEnd() is null)
                {
                    LongestGap = gap;
                    _gapAt = _watch.Elapsed;
                }
            }

            _waited += isWaiting ? _watch.Elapsed - began : TimeSpan.Zero;
        }

        private int CountLines()
        {
            string path = Path.Combine(_run, "metrics.jsonl");
            if (!File.Exists(path))
            {
                return 0;
            }

            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            return (int)file.Length;
        }

        private string Said()
        {
            StringBuilder said = new();
            for (int host = 0; host < _programs.Length; host++)
            {
                said.AppendLine(CultureInfo.InvariantCulture, $"{Name(host)}: {_programs[host]!.Error}");
            }

            return said.ToString();
        }
    }
}

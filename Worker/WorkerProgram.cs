using System.CommandLine;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Akka.Actor;
using Distributed.Framework.Training;
using Distributed.Protocol;
using Distributed.Protocol.Actors;
using Distributed.Protocol.Cluster;
using Distributed.Protocol.Messages;
using Distributed.Worker.Actors;
using Distributed.Worker.Core;

namespace Distributed.Worker;

/// <summary>A worker as a process of its own: from its arguments to its exit code.</summary>
public static class WorkerProgram
{
    private static readonly TimeSpan s_terminateMax = TimeSpan.FromSeconds(1);

    /// <summary>The version of this program; the coordinator's must be the same.</summary>
    public static string Version { get; } =
        typeof(WorkerProgram).Assembly.GetName().Version?.ToString(3) ?? "0";

    private static string Name => ProgramName.Find("worker") ?? "worker";

    /// <summary>Runs the program.</summary>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="error">Gets what happens, a line each.</param>
    /// <returns>One of <see cref="ExitCodes"/>.</returns>
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments, TextWriter error)
    {
        WorkerArguments options = new();
        RootCommand root = new("Joins a coordinator and computes for it until the run is finished.");
        foreach (Option option in options.All)
        {
            root.Options.Add(option);
        }

        TextWriter writer = TextWriter.Synchronized(new LineWriter(error));
        IReadOnlyList<GivenSetting> settings;
        try
        {
            settings = WorkerSettings.Read(options.All);
        }
        catch (AccessException exception)
        {
            await Fail(writer, exception.Message, exception.Remedy);
            return exception.ExitCode;
        }

        root.SetAction((result, _) =>
        {
            if (!result.GetValue(options.ShowConfig))
            {
                return JoinAsync(options.Read(result), writer);
            }

            WorkerSettings.Show(Console.Out, result, arguments, settings);
            return Task.FromResult(ExitCodes.Done);
        });
        ParseResult result = root.Parse(GivenSetting.Complete(arguments, settings, _ => false), new ParserConfiguration
        {
            EnablePosixBundling = false,
            ResponseFileTokenReplacer = null,
        });
        if (result.Errors.Count > 0)
        {
            await Fail(writer, string.Join(' ', result.Errors.Select(fault => fault.Message)), $"See: {Name} --help");
            return ExitCodes.Usage;
        }

        try
        {
            return await result.InvokeAsync(new InvocationConfiguration
            {
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null,
            });
        }
        catch (AccessException exception)
        {
            await Fail(writer, exception.Message, exception.Remedy);
            return ExitCodes.CannotJoin;
        }
        catch (ActorFailedException exception)
        {
            Exception cause = exception.InnerException!;
            await Fail(writer, $"{exception.Name} failed: {cause.GetType().Name}: {cause.Message}", $"{cause}");
            return ExitCodes.Failed;
        }
#pragma warning disable CA1031 // The one place where every fault becomes two lines and a number.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            string cause = $"{exception.GetType().Name}: {exception.Message}";
            await Fail(writer, cause, "This should not happen: report it to the project, with what led to it.");
            return ExitCodes.Failed;
        }
    }

    private static async Task<int> JoinAsync(WorkerRequest request, TextWriter writer)
    {
        if (!NumericsFingerprint.IsFused)
        {
            await writer.WriteLineAsync(
                "This processor has no FMA (x64 of 2013 or later has): computing will be some 100 times slower.");
        }

        using WorkerSignals signals = new(writer);
        Token token = Token.Require(request.TokenFile);
        int seed = RandomNumberGenerator.GetInt32(int.MaxValue);
        WorkerOptions options = new()
        {
            Identity = new WorkerMessage.Join(
                request.Name, Version, NumericsFingerprint.Compute(), request.Threads, NewIncarnation()),
            GiveUpAfter = request.GiveUpAfter,

            // A probe costs little, and a takeover is waited for by everybody.
            RetryMax = TimeSpan.FromSeconds(0.5),
#pragma warning disable CA5394 // Spreads attempts; nothing is secret about it.
            Jitter = attempt => new Random(HashCode.Combine(seed, attempt)).NextDouble(),
#pragma warning restore CA5394
        };
        TaskCompletionSource<WorkerOrder.Exit> ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using ClusterConnector connector = new(
            request.Addresses,
            token,
            options.Identity,
            writer.WriteLine,
            fault => ended.TrySetException(new ActorFailedException("connection", fault)),
            TimeProvider.System);
        JobSource jobs = new(request.Data, JobSource.DefaultCache(), writer.WriteLine);
        WorkerOrder.Exit exit = await WorkAsync(
            WorkerActor.Remote(connector, options, jobs, writer.WriteLine, ended), ended, signals);
        return await ReportAsync(exit, request, writer);
    }

    private static long NewIncarnation() => BitConverter.ToInt64(RandomNumberGenerator.GetBytes(8)) & long.MaxValue;

    private static async Task<WorkerOrder.Exit> WorkAsync(
        Props props, TaskCompletionSource<WorkerOrder.Exit> ended, WorkerSignals signals)
    {
        ActorSystem system = ActorSystems.CreateLocal("worker");
        try
        {
            Action<ActorFailedException> onFailure = failure => ended.TrySetException(failure);
            IActorRef root = system.ActorOf(ActorProps.Of(() => new RootActor(onFailure)), "root");
            signals.Reach(await root.Ask<IActorRef>(new RootActor.Start(props, "worker")));
            return await ended.Task;
        }
        finally
        {
            // Not for long: a thread may still read data or compile a model, and the process ends without it.
            await Task.WhenAny(system.Terminate(), Task.Delay(s_terminateMax));
        }
    }

    private static async Task<int> ReportAsync(
        WorkerOrder.Exit exit, WorkerRequest request, TextWriter writer)
    {
        switch (exit.Outcome)
        {
            case WorkerOutcome.Done:
                await writer.WriteLineAsync($"Done: {exit.Why}");
                return ExitCodes.Done;
            case WorkerOutcome.CannotJoin:
                await Fail(
                    writer,
                    $"{request.Name} cannot join {Where(request)}: {exit.Why}",
                    "Check the address, the token, and what the coordinator says of this worker; "
                    + "coordinator doctor --join tries it.");
                return ExitCodes.CannotJoin;
            case WorkerOutcome.VersionMismatch:
                await Fail(
                    writer,
                    $"{request.Name} and the coordinator at {Where(request)} differ: {exit.Why}",
                    "Install the same version on both.");
                return ExitCodes.VersionMismatch;
            case WorkerOutcome.DiskFull:
                await Fail(
                    writer,
                    $"The disk of {request.Name} is full: {exit.Why}",
                    "Free space, or keep the training data elsewhere (DISTRIBUTED_CACHE); --data names data that are "
                    + "on this machine already.");
                return ExitCodes.DiskFull;
            default:
                await Fail(
                    writer,
                    $"{request.Name} cannot do what the coordinator plans: {exit.Why}",
                    "Look at the data and the model there; --data names data on this machine.");
                return ExitCodes.Failed;
        }
    }

    private static string Where(WorkerRequest request) => string.Join(',', request.Addresses.Join);

    private static async Task Fail(TextWriter writer, string cause, string remedy)
    {
        await writer.WriteLineAsync(cause.ReplaceLineEndings(" "));
        await writer.WriteLineAsync(remedy);
    }

    /// <summary>The first signal drains; a later one ends the process at once.</summary>
    /// <remarks>From before the worker is there until the cluster is left: neither is a time to be killed in.</remarks>
    private sealed class WorkerSignals : IDisposable
    {
        private readonly TaskCompletionSource<IActorRef> _worker = new();
        private readonly TextWriter _writer;
        private readonly PosixSignalRegistration[] _registrations;
        private readonly SignalSequence _sequence = new(TimeProvider.System);

        public WorkerSignals(TextWriter writer)
        {
            _writer = writer;
            _registrations =
            [
                PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal),
                PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal),
            ];
        }

        /// <summary>Who is to drain, at a signal of before too.</summary>
        public void Reach(IActorRef worker) => _worker.SetResult(worker);

        public void Dispose() => Array.ForEach(_registrations, registration => registration.Dispose());

        private void OnSignal(PosixSignalContext context)
        {
            context.Cancel = true;
            switch (_sequence.Next())
            {
                case SignalMeaning.Same:
                    return;
                case SignalMeaning.Later:
                    Environment.Exit(
                        context.Signal == PosixSignal.SIGINT ? ExitCodes.Interrupted : ExitCodes.Terminated);
                    return;
            }

            _writer.WriteLine("Leaving in good order; once more, after 2 s, ends at once.");
            _worker.Task.ContinueWith(
                worker => worker.Result.Tell(WorkerActor.Drain.Instance), TaskScheduler.Default);
        }
    }
}

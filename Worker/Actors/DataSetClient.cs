using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using System.Text.Json;
using Akka.Actor;
using Distributed.Framework.Data.Packed;
using Distributed.Framework.Errors;
using Distributed.Framework.Training;
using Distributed.Protocol.Messages;

namespace Distributed.Worker.Actors;

/// <summary>Gets model and data of a plan ready; fetches data that are not on this machine, as far as needed.</summary>
/// <remarks>
/// <code>
/// state     waits for                             then
/// Idle      Prepare                               Opening
/// Opening   the job, or that data are not here    Idle, or Indexing
/// Indexing  the last piece of the index           Filling
/// Filling   the job                               Idle
/// </code>
/// From Filling on, and for as long as its job is computed, it asks for the blocks that threads wait for, then for
/// those that they will read next (<see cref="ReadAhead"/>). Opening and Filling read whole files, wait for blocks and
/// compile: they run on threads of their own, so that this actor can stop at any time. It has a thread too, since it
/// writes blocks to the disk. Without a connection nothing is asked for, and who waits goes on waiting; the next
/// Prepare of the same plan goes on. Prepare of another plan voids the work at hand. Blocks are asked for by telling
/// the parent WantData; a question without an answer is repeated.
/// </remarks>
internal sealed class DataSetClient(JobSource jobs) : UntypedActor, IWithTimers
{
    /// <summary>Questions without an answer before it gives up: 10 minutes.</summary>
    private const int AsksMax = 10;

    /// <summary>Blocks asked for at once: a link is never idle, and gradients don't wait long behind them.</summary>
    private const int AskedMax = 4;
    private const string Advice = "Start the worker with --data and the data set on its own disk.";

    /// <summary>Long: a question asked twice is answered twice, and a slow link would carry both blocks.</summary>
    private static readonly TimeSpan s_askAgainAfter = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan s_reportEvery = TimeSpan.FromSeconds(30);

    /// <summary>Offsets of pieces of the index, or of blocks, that were asked for.</summary>
    private readonly List<long> _asked = [];

    /// <summary>The newest Prepare; null before the first.</summary>
    private Prepare? _wanted;
    private RunConfiguration? _configuration;

    /// <summary>The job of the newest plan; null until it is ready.</summary>
    private TrainingJob? _job;
    private State _state = State.Idle;

    /// <summary>Number of the work on a thread of its own that counts; what older work brings is void.</summary>
    private int _work;
    private bool _isConnected;
    private int _asks;

    /// <summary>What has come of the index.</summary>
    private ArrayBufferWriter<byte> _index = new();

    /// <summary>The data; null as long as there is no index, and of data that are here.</summary>
    private BlockCache? _blocks;
    private ReadAhead? _ahead;

    /// <summary>Blocks that were fetched, and of how many the last line told.</summary>
    private int _fetched;
    private int _reported;

    private enum State
    {
        Idle,
        Opening,
        Indexing,
        Filling,
    }

    /// <inheritdoc/>
    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>What the answers that are waited for are of.</summary>
    private string? AskedHash => _blocks is null ? _configuration?.DataIndex : _configuration!.DataHash;

    /// <inheritdoc/>
    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case Prepare prepare:
                OnPrepare(prepare);
                break;
            case Opened opened when opened.Work == _work:
                OnOpened(opened);
                break;
            case WorkFailed failed when failed.Work == _work:
                Fail(failed.Cause);
                break;
            case Computing computing when _ahead is not null:
                _ahead.Begin(computing.Step.Value, computing.Shards);
                LookAhead();
                break;
            case BlocksWanted wanted when wanted.Blocks == _blocks:
                Ask();
                break;
            case CoordinatorMessage.DataBlock block:
                OnBlock(block);
                break;
            case CoordinatorMessage.NoData none when _asked.Count > 0 && none.Hash == AskedHash:
                Fail(new DataException(none.Reason, Advice));
                break;
            case AskAgain:
                OnAskAgain();
                break;
            case ReportProgress:
                Report();
                break;
            case ConnectionLost:
                _isConnected = false;
                Timers.Cancel(nameof(AskAgain));
                break;
        }
    }

    /// <inheritdoc/>
    protected override void PostStop()
    {
        Report();
        Forget();
    }

    private void OnPrepare(Prepare prepare)
    {
        bool isSame = _wanted?.Plan == prepare.Plan;
        _wanted = prepare;
        _isConnected = true;
        _asks = 0;
        if (isSame && (_job is not null || _state != State.Idle))
        {
            Repeat();
            if (_job is not null)
            {
                Context.Parent.Tell(new Prepared(prepare.Term, _job, _ahead is not null));
            }
        }
        else
        {
            Report();
            Forget();
            Begin(State.Opening, () =>
            {
                RunConfiguration configuration = RunConfiguration.Parse(prepare.Plan);
                return (configuration, jobs.Open(configuration));
            });
        }
    }

    private void OnOpened(Opened opened)
    {
        _configuration = opened.Configuration;
        if (opened.Job is { } job)
        {
            OnReady(job);
        }
        else if (_configuration.DataIndex is null)
        {
            Fail(new DataException("The coordinator does not hand out these data.", Advice));
        }
        else
        {
            _state = State.Indexing;
            _index = new ArrayBufferWriter<byte>();
            Ask();
        }
    }

    /// <summary>Asks for what is wanted, as much at once as is good.</summary>
    private void Ask()
    {
        if (!_isConnected)
        {
            return;
        }

        if (_state == State.Indexing && _asked.Count == 0)
        {
            AskFor(_index.WrittenCount);
        }

        while (_asked.Count < AskedMax && _blocks?.TryTakeWanted(out long offset) == true)
        {
            AskFor(offset);
        }
    }

    private void AskFor(long offset)
    {
        _asked.Add(offset);
        Timers.StartSingleTimer(nameof(AskAgain), AskAgain.Instance, s_askAgainAfter);
        Context.Parent.Tell(new WorkerMessage.WantData(AskedHash!, offset));
    }

    /// <summary>Asks once more for all that has not come.</summary>
    private void Repeat()
    {
        long[] asked = [.. _asked];
        _asked.Clear();
        Array.ForEach(asked, AskFor);
        Ask();
    }

    private void OnAskAgain()
    {
        if (_asked.Count == 0 || !_isConnected)
        {
            return;
        }

        _asks++;
        if (_asks < AsksMax)
        {
            Repeat();
        }
        else
        {
            double minutes = (AsksMax * s_askAgainAfter).TotalMinutes;
            Fail(new DataException($"No data came from the coordinator for {minutes:0} minutes.", Advice));
        }
    }

    private void OnBlock(CoordinatorMessage.DataBlock block)
    {
        // Others are second answers to questions that were repeated.
        if (block.Payload is not null && block.Hash == AskedHash && _asked.Remove(block.Offset))
        {
            _asks = 0;
            Try(() => Take(block, MemoryMarshal.AsBytes(block.Payload.Memory.Span)[..block.Count]));
        }

        block.Release();
    }

    private void Take(CoordinatorMessage.DataBlock block, ReadOnlySpan<byte> bytes)
    {
        if (_blocks is not null)
        {
            _blocks.Put(block.Offset, bytes);
            _fetched++;
            LookAhead();
        }
        else if (block.Length > PackedIndex.BytesMax || bytes.Length > block.Length - block.Offset)
        {
            throw new DataException($"The index of the data set has {block.Length} bytes: too many.", Advice);
        }
        else
        {
            _index.Write(bytes);
            if (_index.WrittenCount == block.Length)
            {
                OnIndex();
            }
        }

        if (_asked.Count == 0)
        {
            Timers.Cancel(nameof(AskAgain));
        }

        Ask();
    }

    private void OnIndex()
    {
        RunConfiguration configuration = _configuration!;
        PackedIndex index = PackedIndex.Parse(_index.WrittenSpan.ToArray(), configuration.DataIndex!);
        IActorRef self = Self;
        BlockCache? made = null;
        BlockCache blocks = jobs.OpenCache(
            configuration, index, () => self.Tell(new BlocksWanted(made!), ActorRefs.NoSender));
        (made, _blocks, _index) = (blocks, blocks, new ArrayBufferWriter<byte>());
        Timers.StartPeriodicTimer(nameof(ReportProgress), ReportProgress.Instance, s_reportEvery);
        Begin(State.Filling, () => (configuration, jobs.OpenFetched(configuration, blocks)));
    }

    private void OnReady(TrainingJob job)
    {
        _job = job;
        _state = State.Idle;
        _ahead = _blocks is { IsComplete: false } ? new ReadAhead(job, _blocks) : null;
        Context.Parent.Tell(new Prepared(_wanted!.Term, job, _ahead is not null));
    }

    private void LookAhead() => Try(() => _ahead?.GoOn());

    /// <summary>Says how much was fetched, and what it cost, if anything was since the last time.</summary>
    private void Report()
    {
        if (_blocks is null || _fetched == _reported)
        {
            return;
        }

        _reported = _fetched;
        double mebis = (double)PackedIndex.BlockBytes / (1 << 20);
        jobs.Note(string.Create(
            CultureInfo.InvariantCulture,
            $"{_fetched} of {_blocks.Index.BlockCount} blocks of the training data fetched "
            + $"({_fetched * mebis:0.#} of {_blocks.Index.BlockCount * mebis:0.#} MiB); threads waited for them "
            + $"{Stopwatch.GetElapsedTime(0, _blocks.WaitedTicks).TotalSeconds:0.0} s"));
    }

    /// <summary>Answers with a fault of data, model or disk; any other is a fault of the program.</summary>
    private void Fail(Exception cause)
    {
        if (cause is not (ReportedException or IOException or UnauthorizedAccessException or JsonException))
        {
            ExceptionDispatchInfo.Throw(cause);
        }

        Forget();
        Context.Parent.Tell(new PrepareFailed(_wanted!.Term, cause));
    }

    private void Try(Action work)
    {
        try
        {
            work();
        }
        catch (Exception exception)
        {
            Fail(exception);
        }
    }

    private void Begin(State state, Func<(RunConfiguration Configuration, TrainingJob? Job)> work)
    {
        _state = state;
        int number = ++_work;
        Task.Factory
            .StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)
            .PipeTo(
                Self,
                success: result => new Opened(number, result.Configuration, result.Job),
                failure: exception => new WorkFailed(number, exception));
    }

    /// <summary>Gives up the plan at hand; who waits for its blocks ends.</summary>
    private void Forget()
    {
        _work++;
        _state = State.Idle;
        _blocks?.Dispose();
        (_blocks, _ahead, _job) = (null, null, null);
        (_fetched, _reported) = (0, 0);
        _asked.Clear();
        Timers.Cancel(nameof(AskAgain));
        Timers.Cancel(nameof(ReportProgress));
    }

    /// <summary>Asks for model and data of a plan; the newest counts. Says that there is a connection, too.</summary>
    public sealed record Prepare(Term Term, string Plan);

    /// <summary>Shards of a step are computed now.</summary>
    public sealed record Computing(Step Step, ShardRange Shards);

    /// <summary>The connection is gone; the next Prepare comes over another.</summary>
    public sealed record ConnectionLost
    {
        public static ConnectionLost Instance { get; } = new();
    }

    /// <summary>Answers Prepare: the same job for the same plan.</summary>
    /// <param name="Term">Of the question.</param>
    /// <param name="Job">Model and data.</param>
    /// <param name="LooksAhead">Whether it wants to be told what is computed.</param>
    public sealed record Prepared(Term Term, TrainingJob Job, bool LooksAhead = false);

    /// <summary>The plan cannot be done here: answers Prepare, or comes later, as data are fetched.</summary>
    public sealed record PrepareFailed(Term Term, Exception Cause);

    private sealed record Opened(int Work, RunConfiguration Configuration, TrainingJob? Job);

    private sealed record WorkFailed(int Work, Exception Cause);

    private sealed record BlocksWanted(BlockCache Blocks);

    private sealed record AskAgain
    {
        public static AskAgain Instance { get; } = new();
    }

    private sealed record ReportProgress
    {
        public static ReportProgress Instance { get; } = new();
    }
}

using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using System.Text.Json;
using Akka.Actor;
using Distributed.Framework.Errors;
using Distributed.Framework.Training;
using Distributed.Protocol.Messages;

namespace Distributed.Worker.Actors;

/// <summary>Gets model and data of a plan ready; fetches data that are not on this machine, block by block.</summary>
/// <remarks>
/// <code>
/// state      waits for                             then
/// Idle       Prepare                               Opening
/// Opening    the job, or that data are not here    Idle, or Fetching
/// Fetching   the last block                        Checking
/// Checking   the job                               Idle
/// </code>
/// Opening and Checking read whole files and compile: they run on threads of their own, so that this actor can stop at
/// any time. It has a thread too, since it writes blocks to the disk. Without a connection nothing is asked for; what
/// is on the disk stays, and the next Prepare of the same plan goes on from there. Prepare of another plan voids the
/// work at hand. Blocks are asked for by telling the parent WantData; a question without an answer is repeated.
/// </remarks>
internal sealed class DataSetClient(JobSource jobs) : UntypedActor, IWithTimers
{
    /// <summary>Questions without an answer before it gives up: 10 minutes.</summary>
    private const int AsksMax = 10;
    private const string Advice = "Start the worker with --data and the data set on its own disk.";

    /// <summary>Long: a question asked twice is answered twice, and a slow link would carry both blocks.</summary>
    private static readonly TimeSpan s_askAgainAfter = TimeSpan.FromMinutes(1);

    /// <summary>The newest Prepare; null before the first.</summary>
    private Prepare? _wanted;
    private RunConfiguration? _configuration;

    /// <summary>The job of the newest plan; null until it is ready.</summary>
    private TrainingJob? _job;
    private State _state = State.Idle;

    /// <summary>Number of the work on a thread of its own that counts; what older work brings is void.</summary>
    private int _work;
    private bool _isConnected;
    private FileStream? _file;

    /// <summary>The file to be removed if this actor stops; null if there is none.</summary>
    private string? _temporary;
    private long _offset;

    /// <summary>Bytes of the whole set; negative before the first block.</summary>
    private long _length;
    private int _asks;

    private enum State
    {
        Idle,
        Opening,
        Fetching,
        Checking,
    }

    /// <inheritdoc/>
    public ITimerScheduler Timers { get; set; } = null!;

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
            case CoordinatorMessage.DataBlock block:
                OnBlock(block);
                break;
            case CoordinatorMessage.NoData none when _state == State.Fetching && none.Hash == _configuration!.DataHash:
                Fail(new DataException(none.Reason, Advice));
                break;
            case AskAgain:
                OnAskAgain();
                break;
            case ConnectionLost:
                _isConnected = false;
                Timers.Cancel(nameof(AskAgain));
                break;
        }
    }

    /// <inheritdoc/>
    protected override void PostStop() => RemoveTemporary();

    private void OnPrepare(Prepare prepare)
    {
        bool isSame = _wanted?.Plan == prepare.Plan;
        _wanted = prepare;
        _isConnected = true;
        _asks = 0;
        if (isSame && _job is not null)
        {
            Context.Parent.Tell(new Prepared(prepare.Term, _job));
        }
        else if (isSame && _state == State.Fetching)
        {
            Ask();
        }
        else if (!isSame || _state == State.Idle)
        {
            RemoveTemporary();
            _job = null;
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
            Try(() => OnReady(job));
        }
        else
        {
            Try(BeginFetching);
        }
    }

    private void BeginFetching()
    {
        _file = jobs.CreateTemporary(_configuration!.DataHash);
        _temporary = _file.Name;
        _offset = 0;
        _length = -1;
        _state = State.Fetching;
        if (_isConnected)
        {
            Ask();
        }
    }

    private void Ask()
    {
        Timers.StartSingleTimer(nameof(AskAgain), AskAgain.Instance, s_askAgainAfter);
        Context.Parent.Tell(new WorkerMessage.WantData(_configuration!.DataHash, _offset));
    }

    private void OnAskAgain()
    {
        if (_state != State.Fetching || !_isConnected)
        {
            return;
        }

        _asks++;
        if (_asks < AsksMax)
        {
            Ask();
        }
        else
        {
            double minutes = (AsksMax * s_askAgainAfter).TotalMinutes;
            Fail(new DataException($"No data came from the coordinator for {minutes:0} minutes.", Advice));
        }
    }

    private void OnBlock(CoordinatorMessage.DataBlock block)
    {
        bool isNext = _state == State.Fetching && block.Payload is not null
            && block.Hash == _configuration!.DataHash && block.Offset == _offset;
        if (!isNext)
        {
            block.Release(); // Usually the second answer to a question that was repeated.
            return;
        }

        Try(() => Write(block));
        block.Release();
    }

    private void Write(CoordinatorMessage.DataBlock block)
    {
        if ((_length >= 0 && block.Length != _length) || block.Count > block.Length - _offset)
        {
            throw new DataException($"The data set {block.Hash} changed its length on the way.", Advice);
        }

        _file!.Write(MemoryMarshal.AsBytes(block.Payload!.Memory.Span)[..block.Count]);
        _length = block.Length;
        _offset += block.Count;
        _asks = 0;
        if (_offset == _length)
        {
            BeginChecking();
        }
        else if (_isConnected)
        {
            Ask();
        }
    }

    private void BeginChecking()
    {
        Timers.Cancel(nameof(AskAgain));
        (FileStream file, string temporary, RunConfiguration configuration) =
            (_file!, _temporary!, _configuration!);
        _file = null;
        Begin(State.Checking, () =>
        {
            using (file)
            {
                file.Flush(flushToDisk: true);
            }

            return (configuration, jobs.OpenFetched(configuration, temporary));
        });
    }

    private void OnReady(TrainingJob job)
    {
        if (_temporary is { } temporary)
        {
            jobs.Keep(temporary, _configuration!.DataHash);
            _temporary = null;
        }

        _job = job;
        _state = State.Idle;
        Context.Parent.Tell(new Prepared(_wanted!.Term, job));
    }

    /// <summary>Answers with a fault of data, model or disk; any other is a fault of the program.</summary>
    private void Fail(Exception cause)
    {
        if (cause is not (ReportedException or IOException or UnauthorizedAccessException or JsonException))
        {
            ExceptionDispatchInfo.Throw(cause);
        }

        Timers.Cancel(nameof(AskAgain));
        RemoveTemporary();
        _state = State.Idle;
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

    private void RemoveTemporary()
    {
        _file?.Dispose();
        _file = null;
        if (_temporary is { } temporary)
        {
            _temporary = null;
            File.Delete(temporary);
        }
    }

    /// <summary>Asks for model and data of a plan; the newest counts. Says that there is a connection, too.</summary>
    public sealed record Prepare(Term Term, string Plan);

    /// <summary>The connection is gone; the next Prepare comes over another.</summary>
    public sealed record ConnectionLost
    {
        public static ConnectionLost Instance { get; } = new();
    }

    /// <summary>Answers Prepare: the same job for the same plan.</summary>
    public sealed record Prepared(Term Term, TrainingJob Job);

    /// <summary>Answers Prepare: the plan cannot be done here.</summary>
    public sealed record PrepareFailed(Term Term, Exception Cause);

    private sealed record Opened(int Work, RunConfiguration Configuration, TrainingJob? Job);

    private sealed record WorkFailed(int Work, Exception Cause);

    private sealed record AskAgain
    {
        public static AskAgain Instance { get; } = new();
    }
}

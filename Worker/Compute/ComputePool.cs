using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Distributed.Framework.Execution;
using Distributed.Framework.Tensors;
using Distributed.Framework.Training;
using Distributed.Protocol.Messages;

namespace Distributed.Worker.Compute;

/// <summary>A worker's compute threads: they take whole shards, and add up each range's complete nodes.</summary>
/// <remarks>
/// Orders come from one thread at a time, the worker's. Compute threads allocate nothing in the steady state: what they
/// complete waits as a value in a queue with room for it, and its reader is woken once for all that it then finds.
/// </remarks>
public sealed partial class ComputePool : IDisposable
{
    /// <summary>Some tens of microseconds, the later ones of which yield the core.</summary>
    private const int SpinsMax = 40;
    private readonly TrainingJob _job;
    private readonly ComputeCounters _counters;
    private readonly Action _onCompleted;
    private readonly Action<Exception> _onError;
    private readonly Replica _replica;
    private readonly List<Thread> _threads = [];

    /// <summary>Guards everything below; threads wait on it for work.</summary>
    private readonly object _lock = new();

    /// <summary>Of the step at hand: the first _rangeCount are in use, the others wait to be used again.</summary>
    private readonly List<ShardRangeWork> _ranges = [];
    private int _rangeCount;

    /// <summary>Shards of those ranges: more sums than these cannot complete.</summary>
    private int _shardCount;

    /// <summary>Sums of complete nodes that the reader has not taken yet.</summary>
    private readonly Queue<CompletedSum> _completed = [];

    /// <summary>Whether the reader of sums was woken since it last found none.</summary>
    private bool _isReaderWoken;
    private Term _term;
    private Step _step;
    private BatchSlice _slice;

    /// <summary>Weights to be loaded before the first shard; null when the replica has them.</summary>
    private PooledBuffer? _weights;

    /// <summary>Which part of the weights a thread takes next, and how many are not in the replica yet.</summary>
    private int _nextPart;
    private int _partsLeft;

    /// <summary>Rises with every step begun or given up: what belongs to an older one is released.</summary>
    private int _generation;

    /// <summary>Threads that read the replica, and threads that write it: never both.</summary>
    private int _readers;
    private int _writers;

    /// <summary>Whose weights the writers load.</summary>
    private int _writtenGeneration;
    private bool _isStopping;

    /// <summary>How often threads that wait were woken.</summary>
    private int _wakes;
    private long _computeTicks;

    /// <summary>Starts the threads.</summary>
    /// <param name="job">What to compute.</param>
    /// <param name="threads">How many shards at once; at least 1.</param>
    /// <param name="name">For the threads' names.</param>
    /// <param name="counters">Counts what the threads allocate.</param>
    /// <param name="onCompleted">
    /// Called on a compute thread when there are sums to take, not again before <see cref="TryTakeCompleted"/> has
    /// found none.
    /// </param>
    /// <param name="onError">Called with an exception on a compute thread, which ends that thread.</param>
    public ComputePool(
        TrainingJob job,
        int threads,
        string name,
        ComputeCounters counters,
        Action onCompleted,
        Action<Exception> onError)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        _job = job;
        _counters = counters;
        _onCompleted = onCompleted;
        _onError = onError;
        _replica = job.Plan.CreateReplica();
        for (int i = 0; i < threads; i++)
        {
            Thread thread = new(Run) { IsBackground = true, Name = $"{name} compute {i}" };
            _threads.Add(thread);
            thread.Start();
        }
    }

    /// <summary>Time in shards, over all threads, without waits for data, since this was asked last.</summary>
    public TimeSpan TakeComputeTime() =>
        Stopwatch.GetElapsedTime(0, Interlocked.Exchange(ref _computeTicks, 0));

    /// <summary>Begins a step; an older one is given up.</summary>
    /// <param name="term">Of the coordinator.</param>
    /// <param name="step">Which step.</param>
    /// <param name="weights">Owned by this object from now on.</param>
    public void BeginStep(Term term, Step step, PooledBuffer weights)
    {
        // How many sums wait for siblings depends on which thread is faster; compute threads must not allocate for it.
        _job.Gradients.Reserve(_threads.Count);
        lock (_lock)
        {
            Abandon();
            _term = term;
            _step = step;
            _slice = _job.Schedule.At(step.Value);
            _weights = weights;
            _nextPart = 0;
            _partsLeft = _replica.PartCount;
        }
    }

    /// <summary>Computes shards of the step begun last; one sum for each maximal node of the range.</summary>
    public void Compute(ShardRange shards)
    {
        lock (_lock)
        {
            if (_rangeCount == _ranges.Count)
            {
                _ranges.Add(new ShardRangeWork());
            }

            _ranges[_rangeCount++].Begin(_slice.ShardCount, shards);
            _shardCount += shards.Count;

            // Here, so that the queue never grows on a compute thread.
            _completed.EnsureCapacity(_completed.Count + _shardCount);
            Wake();
        }
    }

    /// <summary>Takes the sum of a complete node, in the order of their completion.</summary>
    /// <param name="sum">The caller owns its buffer.</param>
    public bool TryTakeCompleted(out CompletedSum sum)
    {
        lock (_lock)
        {
            bool isThere = _completed.TryDequeue(out sum);
            _isReaderWoken &= isThere;
            return isThere;
        }
    }

    /// <summary>Gives up the step begun last, after the shards at hand.</summary>
    public void CancelStep()
    {
        lock (_lock)
        {
            Abandon();
        }
    }

    /// <summary>Ends the threads, after the shards at hand, and releases the sums that were not taken.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            Abandon();
            _isStopping = true;
            Wake();
        }

        foreach (Thread thread in _threads.Where(thread => thread != Thread.CurrentThread))
        {
            thread.Join();
        }

        while (TryTakeCompleted(out CompletedSum sum))
        {
            sum.Gradient.Dispose();
        }
    }

    /// <summary>For callers in the lock.</summary>
    private void Wake()
    {
        _wakes++;
        Monitor.PulseAll(_lock);
    }

    /// <summary>Leaves the lock for some microseconds: the steps of a small model are shorter than waking up.</summary>
    private void SpinUntilWoken()
    {
        int wakes = _wakes;
        Monitor.Exit(_lock);
        SpinWait spinner = default;
        while (Volatile.Read(ref _wakes) == wakes && spinner.Count < SpinsMax)
        {
            spinner.SpinOnce(sleep1Threshold: -1);
        }

        Monitor.Enter(_lock);
    }

    /// <summary>The next part of the weights, if a shard waits for them and no thread reads the replica.</summary>
    private bool TryTakePart([NotNullWhen(true)] out PooledBuffer? weights, out int part)
    {
        weights = null;
        part = _nextPart;

        // Shards of a step given up still read the old weights, and parts of one given up are still being written: both
        // come to their end first.
        if (_weights is null || _nextPart == _replica.PartCount || _readers > 0
            || (_writers > 0 && _writtenGeneration != _generation) || FindRange() is null)
        {
            return false;
        }

        // Its own reference: the step may be given up while it loads.
        weights = _weights;
        weights.AddReference();
        _nextPart++;
        _writers++;
        _writtenGeneration = _generation;
        return true;
    }

    private bool TryTakeShard([NotNullWhen(true)] out ShardRangeWork? range, out int shard)
    {
        range = _weights is null && _writers == 0 ? FindRange() : null;
        shard = 0;
        if (range is null)
        {
            return false;
        }

        shard = range.TakeShard();
        _readers++;
        return true;
    }

    private ShardRangeWork? FindRange()
    {
        for (int i = 0; i < _rangeCount; i++)
        {
            if (!_ranges[i].IsHandedOut)
            {
                return _ranges[i];
            }
        }

        return null;
    }

    private void LoadPart(PooledBuffer weights, int part, int generation)
    {
        _replica.LoadPart(part, weights.Values.Span);
        weights.Dispose();
        lock (_lock)
        {
            _writers--;
            if (generation == _generation && --_partsLeft == 0)
            {
                _weights!.Dispose();
                _weights = null;
            }

            // Either the replica is whole and shards can begin, or the parts of the next step can.
            if (_writers == 0)
            {
                Wake();
            }
        }
    }

    private void Finish(ShardRangeWork range, int shard, int generation, PooledBuffer sum)
    {
        bool wakesReader = false;
        lock (_lock)
        {
            // The last shard of an older step lets the next step's weights in.
            _readers--;
            if (_readers == 0 && _weights is not null)
            {
                Wake();
            }

            if (generation != _generation)
            {
                sum.Dispose();
                return;
            }

            if (range.Sums.Put(new TreeNode(0, shard), sum, out TreeNode completed, out PooledBuffer? total))
            {
                int count = range.Sums.Tree.Cover(completed).Count;
                bool isFinite = GradientArithmetic.IsFinite(total!);
                _completed.Enqueue(new CompletedSum(_term, _step, completed, count, total!, isFinite));
                wakesReader = !_isReaderWoken;
                _isReaderWoken = true;
            }
        }

        if (wakesReader)
        {
            _onCompleted();
        }
    }

    private void Abandon()
    {
        _generation++;
        for (int i = 0; i < _rangeCount; i++)
        {
            _ranges[i].Abandon();
        }

        _rangeCount = 0;
        _shardCount = 0;
        _weights?.Dispose();
        _weights = null;
    }
}

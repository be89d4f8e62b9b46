using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Threading.Channels;
using Distributed.Framework.Execution;
using Distributed.Framework.Tensors;
using Distributed.Framework.Training;
using Distributed.Protocol.Messages;

namespace Distributed.Worker.Compute;

/// <summary>A worker's compute threads: they take whole shards, and add up each range's complete nodes.</summary>
/// <remarks>
/// Orders come from one control thread. Compute threads allocate nothing in the steady state: what they complete goes
/// to <see cref="Completed"/> as a value.
/// </remarks>
public sealed class ComputePool : IDisposable
{
    /// <summary>More than the ranges of any step; a full channel would be a bug.</summary>
    private const int CompletedMax = 1 << 16;

    /// <summary>Some tens of microseconds, the later ones of which yield the core.</summary>
    private const int SpinsMax = 40;

    private readonly TrainingJob _job;
    private readonly Action<Exception> _onError;
    private readonly Replica _replica;
    private readonly List<Thread> _threads = [];
    private readonly Channel<CompletedSum> _completed = Channel.CreateBounded<CompletedSum>(
        new BoundedChannelOptions(CompletedMax) { SingleReader = true });

    /// <summary>Guards everything below; threads wait on it for work.</summary>
    private readonly object _lock = new();

    /// <summary>
    /// Ranges of the step at hand; the first _rangeCount are in use, the others wait to be used again.
    /// </summary>
    private readonly List<ShardRangeWork> _ranges = [];
    private int _rangeCount;
    private Term _term;
    private Step _step;
    private BatchSlice _slice;

    /// <summary>Parameters to be loaded before the first shard; null when the replica has them.</summary>
    private PooledBuffer? _parameters;

    /// <summary>Which part of the parameters a thread takes next, and how many are not in the replica yet.</summary>
    private int _nextPart;
    private int _partsLeft;

    /// <summary>Rises with every step begun or given up: what belongs to an older one is let go.</summary>
    private int _generation;

    /// <summary>Threads that read the replica, and threads that write it: never both.</summary>
    private int _readers;
    private int _writers;

    /// <summary>Whose parameters the writers load.</summary>
    private int _writtenGeneration;
    private bool _isStopping;

    /// <summary>How often threads that wait were woken.</summary>
    private int _wakes;
    private long _allocatedBytes;
    private long _computeTicks;

    /// <summary>Starts the threads.</summary>
    /// <param name="job">What to compute.</param>
    /// <param name="threads">How many shards at once; at least 1.</param>
    /// <param name="name">For the threads' names.</param>
    /// <param name="onError">Told of an exception on a compute thread, which ends that thread.</param>
    public ComputePool(TrainingJob job, int threads, string name, Action<Exception> onError)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        _job = job;
        _onError = onError;
        _replica = job.Plan.CreateReplica();
        for (int i = 0; i < threads; i++)
        {
            Thread thread = new(Run) { IsBackground = true, Name = $"{name} compute {i}" };
            _threads.Add(thread);
            thread.Start();
        }
    }

    /// <summary>Sums of complete nodes; the reader owns their buffers.</summary>
    public ChannelReader<CompletedSum> Completed => _completed.Reader;

    /// <summary>Bytes that compute threads have allocated on the managed heap since they began to compute.</summary>
    public long AllocatedBytes => Interlocked.Read(ref _allocatedBytes);

    /// <summary>Time in shards, over all threads, since this was asked last.</summary>
    public TimeSpan TakeComputeTime() =>
        Stopwatch.GetElapsedTime(0, Interlocked.Exchange(ref _computeTicks, 0));

    /// <summary>Begins a step; an older one is given up.</summary>
    /// <param name="term">Of the coordinator.</param>
    /// <param name="step">Which step.</param>
    /// <param name="parameters">Owned by this object from now on.</param>
    public void BeginStep(Term term, Step step, PooledBuffer parameters)
    {
        // How many sums wait for siblings depends on which thread is faster; compute threads must not allocate for it.
        _job.Gradients.Reserve(_threads.Count);
        lock (_lock)
        {
            Abandon();
            _term = term;
            _step = step;
            _slice = _job.Schedule.At(step.Value);
            _parameters = parameters;
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
            Wake();
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

    /// <summary>Ends the threads, after the shards at hand.</summary>
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

        _completed.Writer.TryComplete();
    }

    private void Run()
    {
        try
        {
            GradientComputer computer = _job.CreateGradientComputer();
            long allocatedBefore = GC.GetAllocatedBytesForCurrentThread();
            while (DoNext(computer))
            {
                long allocated = GC.GetAllocatedBytesForCurrentThread();
                if (allocated != allocatedBefore)
                {
                    Interlocked.Add(ref _allocatedBytes, allocated - allocatedBefore);
                    allocatedBefore = allocated;
                }
            }
        }
        catch (Exception exception)
        {
            _onError(exception);
        }
    }

    /// <summary>Waits for something to do and does it; false at the end.</summary>
    private bool DoNext(GradientComputer computer)
    {
        ShardRangeWork? range = null;
        PooledBuffer? parameters = null;
        int part = 0;
        int shard = 0;
        int generation;
        int step;
        int epoch;
        SampleSpan samples = default;
        lock (_lock)
        {
            for (bool hasSpun = false;
                !_isStopping && !TryTakePart(out parameters, out part) && !TryTakeShard(out range, out shard);
                hasSpun = !hasSpun)
            {
                if (hasSpun)
                {
                    Monitor.Wait(_lock);
                }
                else
                {
                    SpinUntilWoken();
                }
            }

            if (_isStopping)
            {
                return false;
            }

            generation = _generation;
            step = _step.Value;
            epoch = _slice.Epoch;
            samples = range is null ? default : _job.Schedule.ShardSamples(_slice, shard);
        }

        if (parameters is not null)
        {
            LoadPart(parameters, part, generation);
            return true;
        }

        PooledBuffer sum = _job.Gradients.Rent();
        long began = Stopwatch.GetTimestamp();
        computer.Compute(_replica, step, epoch, samples, sum);
        Interlocked.Add(ref _computeTicks, Stopwatch.GetTimestamp() - began);
        Finish(range!, shard, generation, sum);
        return true;
    }

    /// <summary>For callers in the lock.</summary>
    private void Wake()
    {
        _wakes++;
        Monitor.PulseAll(_lock);
    }

    /// <summary>Shards the lock for some microseconds: the steps of a small model are shorter than waking up.</summary>
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

    /// <summary>The next part of the parameters, if a shard waits for them and nobody reads the replica.</summary>
    private bool TryTakePart([NotNullWhen(true)] out PooledBuffer? parameters, out int part)
    {
        parameters = null;
        part = _nextPart;
        if (_parameters is null || _nextPart == _replica.PartCount || _readers > 0
            || (_writers > 0 && _writtenGeneration != _generation) || FindRange() is null)
        {
            return false;
        }

        // Its own reference: the step may be given up while it loads.
        parameters = _parameters;
        parameters.AddReference();
        _nextPart++;
        _writers++;
        _writtenGeneration = _generation;
        return true;
    }

    private bool TryTakeShard([NotNullWhen(true)] out ShardRangeWork? range, out int shard)
    {
        range = _parameters is null && _writers == 0 ? FindRange() : null;
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

    private void LoadPart(PooledBuffer parameters, int part, int generation)
    {
        _replica.LoadPart(part, parameters.Values.Span);
        parameters.Dispose();
        lock (_lock)
        {
            _writers--;
            if (generation == _generation && --_partsLeft == 0)
            {
                _parameters!.Dispose();
                _parameters = null;
            }

            if (_writers == 0)
            {
                Wake();
            }
        }
    }

    private void Finish(ShardRangeWork range, int shard, int generation, PooledBuffer sum)
    {
        lock (_lock)
        {
            _readers--;
            if (_readers == 0 && _parameters is not null)
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
                int shardCount = range.Sums.Tree.Cover(completed).Count;
                TreeNode node = new(completed.Level, completed.Index);
                _completed.Writer.TryWrite(new CompletedSum(_term, _step, node, shardCount, total!));
            }
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
        _parameters?.Dispose();
        _parameters = null;
    }
}

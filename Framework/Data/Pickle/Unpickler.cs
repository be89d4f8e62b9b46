using System.Globalization;
using System.Numerics;

namespace Distributed.Framework.Data.Pickle;

/// <summary>Python's pickle machine, protocols 0 to 5, restricted to plain data and tensors.</summary>
/// <remarks>
/// It is a loop over a stack, so nesting costs no call stack; every instruction takes at least a byte of the file and
/// pushes at most one value, and there is a limit to instructions, so memory is bounded. Names outside the whitelist
/// of <see cref="TensorBuilder"/> are refused where they appear, before anything is done with them; instructions that
/// are not listed here do not exist. Source: CPython's Lib/pickletools.py, which documents each instruction.
/// </remarks>
internal sealed class Unpickler
{
    private const int StackItemsMax = 1 << 20;
    private const int InstructionsMax = 1 << 23;
    private const int LongBytesMax = 32;
    private readonly PickleReader _reader;
    private readonly TensorBuilder _builder;
    private readonly Dictionary<string, TorchStorage> _storages;
    private readonly List<PickleValue> _stack = [];
    private readonly List<int> _marks = [];
    private readonly Dictionary<uint, PickleValue> _memo = [];

    /// <param name="reader">Stands at the first instruction.</param>
    /// <param name="builder">Makes tensors.</param>
    /// <param name="storages">Found so far; new ones are added.</param>
    public Unpickler(PickleReader reader, TensorBuilder builder, Dictionary<string, TorchStorage> storages)
    {
        _reader = reader;
        _builder = builder;
        _storages = storages;
    }

    /// <summary>Runs up to and with STOP.</summary>
    public PickleValue Load()
    {
        for (int count = 0; count < InstructionsMax; count++)
        {
            byte instruction = _reader.ReadByte();
            if (instruction == '.')
            {
                PickleValue value = Pop();
                return value is PickleGlobal or TorchStorageValue
                    ? throw _reader.Refusal($"{value.Kind} as a value")
                    : value;
            }

            if (!Constant(instruction) && !Memo(instruction) && !Container(instruction) && !Object(instruction))
            {
                throw _reader.Refusal($"pickle instruction 0x{instruction:x2}");
            }

            if (_stack.Count > StackItemsMax || _marks.Count > StackItemsMax)
            {
                throw _reader.Fault("it needs too deep a stack");
            }
        }

        throw _reader.Fault("its pickle is too long");
    }

    /// <summary>Instructions that push one value of their own, and those that do nothing.</summary>
    private bool Constant(byte instruction)
    {
        PickleValue? value = (char)instruction switch
        {
            'N' => PickleNone.Instance,
            '\x88' => new PickleBool(true),
            '\x89' => new PickleBool(false),
            'K' => new PickleInteger(_reader.ReadByte()),
            'M' => new PickleInteger(_reader.ReadUInt16()),
            'J' => new PickleInteger(_reader.ReadInt32()),
            '\x8a' => ReadLong(_reader.ReadByte()),
            '\x8b' => ReadLong(_reader.ReadUInt32()),
            'I' => ReadDecimal(_reader.ReadLine()),
            'L' => ReadDecimal(_reader.ReadLine().TrimEnd('L')),
            'G' => new PickleFloat(_reader.ReadDoubleBigEndian()),
            'F' => ReadFloat(_reader.ReadLine()),
            'X' => new PickleString(_reader.ReadText(_reader.ReadUInt32())),
            '\x8c' => new PickleString(_reader.ReadText(_reader.ReadByte())),
            '\x8d' => new PickleString(_reader.ReadText(_reader.ReadInt64())),
            'T' => new PickleString(_reader.ReadText(_reader.ReadUInt32())),
            'U' => new PickleString(_reader.ReadText(_reader.ReadByte())),
            ']' => new PickleList(),
            '}' => new PickleDict(),
            ')' => new PickleTuple([]),
            _ => null,
        };
        if (value is not null)
        {
            _stack.Add(value);
            return true;
        }

        switch (instruction)
        {
            case 0x80 when _reader.ReadByte() > 5:
                throw _reader.Fault("its pickle protocol is unknown");
            case 0x80:
                return true;
            case 0x95:
                _reader.ReadInt64(); // A frame's length: only a hint for buffering.
                return true;
            default:
                return false;
        }
    }

    private bool Memo(byte instruction)
    {
        switch ((char)instruction)
        {
            case 'q':
                _memo[_reader.ReadByte()] = Peek();
                return true;
            case 'r':
                _memo[_reader.ReadUInt32()] = Peek();
                return true;
            case '\x94':
                _memo[(uint)_memo.Count] = Peek();
                return true;
            case 'h':
                _stack.Add(Remembered(_reader.ReadByte()));
                return true;
            case 'j':
                _stack.Add(Remembered(_reader.ReadUInt32()));
                return true;
            default:
                return false;
        }
    }

    private bool Container(byte instruction)
    {
        switch ((char)instruction)
        {
            case '(':
                _marks.Add(_stack.Count);
                return true;
            case '0':
                Pop();
                return true;
            case '1':
                PopToMark();
                return true;
            case '2':
                _stack.Add(Peek());
                return true;
            case 't':
                _stack.Add(new PickleTuple(PopToMark()));
                return true;
            case '\x85' or '\x86' or '\x87':
                _stack.Add(new PickleTuple(PopMany(instruction - 0x84)));
                return true;
            case 'l':
                Append(new PickleList(), PopToMark(), push: true);
                return true;
            case 'd':
                SetItems(new PickleDict(), PopToMark(), push: true);
                return true;
            case 'a':
                Append(null, PopMany(1), push: false);
                return true;
            case 'e':
                Append(null, PopToMark(), push: false);
                return true;
            case 's':
                SetItems(null, PopMany(2), push: false);
                return true;
            case 'u':
                SetItems(null, PopToMark(), push: false);
                return true;
            default:
                return false;
        }
    }

    private bool Object(byte instruction)
    {
        switch ((char)instruction)
        {
            case 'c':
                PushName(_reader.ReadLine(), _reader.ReadLine());
                return true;
            case '\x93':
                PickleValue[] names = PopMany(2);
                PushName(Text(names[0]), Text(names[1]));
                return true;
            case 'Q':
                _stack.Add(_builder.Storage(Pop(), _storages));
                return true;
            case 'R':
                PickleValue[] call = PopMany(2);
                _stack.Add(_builder.Call(call[0], call[1]));
                return true;
            case 'b':
                PickleValue state = Pop();
                _builder.Build(Peek(), state);
                return true;
            default:
                return false;
        }
    }

    private void PushName(string module, string name) => _stack.Add(
        TensorBuilder.IsAllowed(module, name)
            ? new PickleGlobal(module, name)
            : throw _reader.Refusal($"'{Printable(module)}.{Printable(name)}'"));

    private void Append(PickleList? list, PickleValue[] items, bool push)
    {
        list ??= Peek() as PickleList ?? throw _reader.Fault("items are appended to what is no list");
        list.MutableItems.AddRange(items.Select(Plain));
        if (push)
        {
            _stack.Add(list);
        }
    }

    private void SetItems(PickleDict? dict, PickleValue[] items, bool push)
    {
        dict ??= Peek() as PickleDict ?? throw _reader.Fault("items are set in what is no dict");
        if (items.Length % 2 != 0)
        {
            throw _reader.Fault("a dict's key has no value");
        }

        for (int i = 0; i < items.Length; i += 2)
        {
            dict.MutableEntries.Add(new(Plain(items[i]), Plain(items[i + 1])));
        }

        if (push)
        {
            _stack.Add(dict);
        }
    }

    /// <summary>Names and storages may be arguments, in tuples; they are no values.</summary>
    private PickleValue Plain(PickleValue value) =>
        value is PickleGlobal or TorchStorageValue ? throw _reader.Refusal($"{value.Kind} as a value") : value;

    private PickleValue Peek() =>
        _stack.Count > Floor ? _stack[^1] : throw _reader.Fault("its stack is empty");

    private PickleValue Pop() => PopMany(1)[0];

    private PickleValue[] PopMany(int count)
    {
        if (_stack.Count - count < Floor)
        {
            throw _reader.Fault("its stack is empty");
        }

        PickleValue[] items = [.. _stack[^count..]];
        _stack.RemoveRange(_stack.Count - count, count);
        return items;
    }

    private PickleValue[] PopToMark()
    {
        if (_marks.Count == 0)
        {
            throw _reader.Fault("there is no mark");
        }

        int start = _marks[^1];
        PickleValue[] items = PopMany(_stack.Count - start);
        _marks.RemoveAt(_marks.Count - 1);
        return items;
    }

    /// <summary>What lies below the last mark cannot be taken.</summary>
    private int Floor => _marks.Count == 0 ? 0 : _marks[^1];

    private PickleValue Remembered(uint index) =>
        _memo.TryGetValue(index, out PickleValue? value)
            ? value
            : throw _reader.Fault($"nothing is remembered as {index}");

    private PickleInteger ReadLong(long bytes) => bytes <= LongBytesMax
        ? new PickleInteger(new BigInteger(_reader.ReadBytes(bytes)))
        : throw _reader.Fault($"an integer has {bytes} bytes");

    private PickleValue ReadDecimal(string text) => text switch
    {
        "00" => new PickleBool(false),
        "01" => new PickleBool(true),
        _ => text.Length <= LongBytesMax
            && BigInteger.TryParse(
                text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out BigInteger value)
            ? new PickleInteger(value)
            : throw _reader.Fault("an integer is no number, or too long"),
    };

    private PickleFloat ReadFloat(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value)
            ? new PickleFloat(value)
            : throw _reader.Fault("a float is no number");

    private string Text(PickleValue value) =>
        value is PickleString text ? text.Value : throw _reader.Fault("a name is no string");

    /// <summary>A name from the file, made harmless for a terminal.</summary>
    private static string Printable(string text) =>
        new([.. text.Take(100).Select(character => character is >= ' ' and <= '~' ? character : '?')]);
}

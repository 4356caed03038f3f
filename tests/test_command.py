"""Tests the command line: options, saving, exits, the import, and host programs."""
import io
import os
from pathlib import Path
import re
import runpy
import signal
import sys
import types
from unittest.mock import Mock

import numpy as np
import pytest
from helpers import SCRIPT, TOP, error_of, files, python, wait_for
from rnn_mnist import tf
import rnn_mnist

needs_dev_full = pytest.mark.skipif(not os.path.exists('/dev/full'), reason='needs Linux')


@pytest.fixture
def run_script(one_step, monkeypatch):
    """Runs the script as IDLE does, for one training step."""
    monkeypatch.setattr(sys, 'argv', [SCRIPT, *one_step])
    return lambda: runpy.run_path(SCRIPT, run_name='__main__')


@pytest.mark.parametrize('arguments', [
    ['--training-iters', 'many'], ['--training-iters', '0'], ['--seed', '-1'],
    ['--seed', '4294967296'], ['--data', 'letters'], ['--epochs', '3']])
def test_error_for_a_bad_argument_names_the_option(arguments, run):
    assert arguments[0] in error_of(run(*arguments))


def test_training_time_does_not_include_loading(monkeypatch, run):
    clock = [1000]
    monkeypatch.setattr(rnn_mnist.time, 'time', lambda: clock[0])
    monkeypatch.setattr(rnn_mnist, 'train', lambda *args: clock.append(clock.pop() + 77) or (0, {}))
    monkeypatch.setattr(rnn_mnist, 'generated_data_sets',
                        lambda **options: clock.append(clock.pop() + 5) or types.SimpleNamespace(
                            test=types.SimpleNamespace(num_examples=10)))
    assert run('--data', 'generated')[1].endswith('after 1 steps in 77 s\n')


@pytest.mark.parametrize('data', ['generated', 'mnist'])
def test_the_same_seed_gives_the_same_lines_and_the_same_network(data, mnist_dir, run):
    options = ['--data', data, '--training-iters', 2700, '--seed', 2**32 - 1, '--save']
    _, one, _ = run(*options, 'one')
    tf.set_random_seed(1)  # was 0, and must not matter
    _, other, _ = run(*options, 'other')
    assert one.split('after')[0] == other.split('after')[0]
    np.testing.assert_equal(dict(np.load('one')), dict(np.load('other')))
    assert sorted(os.listdir('.')) == ['MNIST_data', 'one', 'other']  # and not one.npz


def test_script_metadata_requirements_error_message_and_readme_name_the_same_versions():
    script, readme = [Path(TOP, name).read_text(encoding='utf-8') for name in [
        'rnn_mnist.py', 'README.md']]
    packages = re.search(r'^# dependencies = \[(.*)\]$', script, re.M).group(1)
    assert re.findall('"(.*?)"', packages) == Path(TOP, 'requirements.txt').read_text().split()
    first, end = re.search(r'^# requires-python = ">=3\.(\d+),<3\.(\d+)"$', script, re.M).groups()
    pythons = 'Python 3.{} to 3.{}'.format(first, int(end) - 1)
    assert pythons in readme and pythons in re.sub(r"'\s+f?'", '', script)


def test_save_writes_into_an_existing_file_so_that_its_mode_and_links_stay(mnist_dir, run):
    with open('older', 'wb') as file:
        file.write(b'older' * 99999)
    os.chmod('older', 0o600)
    os.symlink('older', 'link')
    run('--data-dir', mnist_dir, '--save', 'link')
    assert 'kernel' in np.load('older') and os.stat('older').st_mode & 0o777 == 0o600


@pytest.mark.parametrize('file', ['', '.', 'nowhere/trained', 'file/trained', 'x' * 300])
def test_file_that_cannot_be_saved_to_is_refused_before_training(file, tmp_path, run):
    (tmp_path / 'file').write_bytes(b'mine')
    assert repr(file) in error_of(run('--data', 'generated', '--save', file))
    assert files(tmp_path) == {'file': b'mine'}


def test_ctrl_c_before_saving_keeps_an_older_file(tmp_path, monkeypatch, run):
    monkeypatch.setattr(rnn_mnist, 'generated_data_sets', Mock(side_effect=KeyboardInterrupt))
    (tmp_path / 'older').write_bytes(b'older')
    status, _, err = run('--data', 'generated', '--save', '~/older')
    assert status == 130 and len(err.splitlines()) == 1
    assert (tmp_path / 'older').read_bytes() == b'older'


@needs_dev_full
def test_test_accuracy_is_printed_even_if_saving_fails(mnist_dir, run):
    status, out, err = run('--data-dir', mnist_dir, '--save', '/dev/full')
    assert 'test accuracy' in out and '/dev/full' in error_of((status, '', err))


def test_ctrl_c_stops_the_script_and_lines_are_printed_without_delay(one_step):
    process = python(SCRIPT, *one_step, '--training-iters', 1000000)
    assert process.stdout.readline().startswith('step ')
    process.send_signal(signal.SIGINT)
    assert len(process.stdout.readlines()) < 100  # a buffer of 8 kB would hold more
    status, _, err = wait_for(process)
    assert status == 130 and err.splitlines()[-1] == 'rnn_mnist.py: stopped'
    assert 'Traceback' not in err


def closed_pipe(buffer_size):
    reader, writer = os.pipe()
    os.close(reader)
    return io.TextIOWrapper(os.fdopen(writer, 'wb', buffer_size), write_through=buffer_size == 0)


@pytest.mark.parametrize('open_stdout, lines', [
    pytest.param(lambda: open('/dev/full', 'w'), 3, marks=needs_dev_full),
    (lambda: closed_pipe(buffer_size=-1), 2), (lambda: closed_pipe(buffer_size=0), 2)])
def test_full_disk_while_printing_is_reported_in_one_line_and_a_closed_pipe_not_at_all(
        open_stdout, lines, run_script, monkeypatch, capsys):
    monkeypatch.setattr(sys, 'stdout', open_stdout())
    with pytest.raises(SystemExit) as exit:
        run_script()
    sys.stdout.close()  # as Python does at exit; raises OSError if anything is left to be written
    assert exit.value.code == 1
    assert len(capsys.readouterr().err.splitlines()) == lines  # 2: Starting ..., Reading ...


def test_failure_of_an_added_operation_keeps_its_traceback(mnist_dir, monkeypatch, run):
    def RNN_that_fails(X, weights, biases, RNN=rnn_mnist.RNN):
        return tf.check_numerics(RNN(X, weights, biases) / 0, 'division')
    monkeypatch.setattr(rnn_mnist, 'RNN', RNN_that_fails)
    with pytest.raises(tf.errors.InvalidArgumentError, match='division'):
        run('--data-dir', mnist_dir)


def test_ctrl_c_during_the_import_exits_with_130_but_leaves_a_prompt_alive(tmp_path, monkeypatch):
    (tmp_path / 'tensorflow.py').write_text('raise KeyboardInterrupt')
    monkeypatch.setenv('PYTHONPATH', str(tmp_path))
    status, out, err = wait_for(python(SCRIPT))
    assert status == 130 and out == '' and 'Traceback' not in err
    status, out, err = wait_for(python('-c', 'import code; code.interact()', cwd=TOP),
                                'import rnn_mnist\nprint("alive")\n')
    assert status == 0 and 'alive' in out and 'KeyboardInterrupt' in err


@pytest.mark.parametrize('module, code, reason', [
    ('tensorflow', 'raise ModuleNotFoundError("No module named x")', 'No module named x'),
    ('tensorflow', 'class VersionError(Exception): pass\nraise VersionError("gencode\\n6.31")',
     'VersionError: gencode 6.31'),  # from protobuf
    ('tensorflow', 'import os; raise OSError(os.environ["TF_CPP_MIN_LOG_LEVEL"])', 'OSError: 0'),
    ('numpy', '', 'numpy')])
def test_import_error_is_one_line_with_the_reason_and_the_remedy(
        module, code, reason, tmp_path, monkeypatch):
    (tmp_path / (module + '.py')).write_text(code)
    monkeypatch.setenv('PYTHONPATH', str(tmp_path))
    monkeypatch.setenv('TF_CPP_MIN_LOG_LEVEL', '0')  # for the case that prints it
    error = error_of(wait_for(python(SCRIPT)))
    assert reason in error and 'pip install tensorflow tf-keras numpy' in error


def test_missing_tf_keras_is_an_import_error_with_one_traceback_when_imported():
    _, _, err = wait_for(python(
        '-c', 'import sys; sys.modules["tf_keras"] = None; import rnn_mnist', cwd=TOP))
    assert err.count('Traceback') == 1 and err.splitlines()[-1].startswith('ImportError: ')


def test_python_dash_i_gives_a_working_prompt_after_the_run(one_step):
    status, out, err = wait_for(python('-i', SCRIPT, *one_step), 'print(6 * 7)\n')
    assert status == 0 and out.endswith('42\n') and 'Traceback' not in err


def test_idle_can_run_the_script_twice(run_script, monkeypatch):
    idle, shown = pytest.importorskip('idlelib.run', reason='needs IDLE'), []
    shell = types.SimpleNamespace(write=lambda text, tags: shown.append(text))
    stdout = idle.StdOutputFile(shell, 'stdout', 'utf-8', 'strict')
    monkeypatch.setattr(sys, 'stdout', stdout)
    run_script()
    run_script()
    assert ''.join(shown).count('test accuracy') == 2
    assert sys.stdout is stdout and not stdout.closed


@pytest.mark.parametrize('host', [
    'ipykernel_launcher.py', 'ipykernel/__main__.py', 'colab_kernel_launcher.py',
    'spyder_kernels/console/__main__.py', 'pydevconsole.py', 'positron_language_server.py'])
@pytest.mark.parametrize('names', [{}, {'__file__': SCRIPT}])  # Spyder sets __file__ in cells
def test_cell_of_a_notebook_or_console_ignores_the_arguments_of_its_host(
        host, names, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, 'argv', ['/x/' + host, '-f', 'kernel.json'])
    (tmp_path / 'MNIST_data').write_text('not a folder, so the run is short')
    with pytest.raises(SystemExit) as exit:
        exec(compile(Path(SCRIPT).read_text(), 'cell', 'exec'), dict(names, __name__='__main__'))
    assert exit.value.code == 1 and 'MNIST_data' in capsys.readouterr().err

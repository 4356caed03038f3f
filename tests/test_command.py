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
from helpers import LOG, SCRIPT, TOP, files, full_disk, python, wait_for
from rnn_mnist import generated_data_sets, main, read_data_sets, tf, train
import rnn_mnist

needs_dev_full = pytest.mark.skipif(not os.path.exists('/dev/full'), reason='needs Linux')


@pytest.fixture
def run_script(one_step, monkeypatch):
    """Runs the script as IDLE does, for one training step, and returns the resulting globals."""
    monkeypatch.setattr(sys, 'argv', [SCRIPT, *one_step])
    return lambda: runpy.run_path(SCRIPT, run_name='__main__')


# ---------------------------------------------------------------------------------------- options

@pytest.mark.parametrize('arguments', [
    ['--training-iters', '0'], ['--training-iters', 'many'], ['--training-iters', '1.5'],
    ['--seed', '-1'], ['--seed', '4294967296'], ['--data', 'letters'], ['--epochs', '3']])
def test_error_for_a_bad_argument_names_the_option(arguments, run):
    status, out, err = run(*arguments)
    assert status == 2 and out == '' and arguments[0] in err.splitlines()[-1]
    assert err.splitlines()[-1].startswith('rnn_mnist.py: error: ')


def test_default_number_of_training_examples_is_that_of_the_article(run):
    status, out, _ = run('--help')  # argparse inserts the default into the help text
    assert status == 0 and "(default: the article's 1000000)" in ' '.join(out.split())


def test_last_line_says_how_many_seconds_training_took(monkeypatch, run):
    clock = [1000]
    monkeypatch.setattr(rnn_mnist.time, 'time', lambda: clock[0])
    monkeypatch.setattr(rnn_mnist, 'train', lambda *args: clock.append(clock.pop() + 77) or (0, {}))
    _, out, _ = run('--data', 'generated')
    assert out.endswith('after 1 steps in 77 s\n')


@pytest.mark.parametrize('data', ['generated', 'mnist'])
def test_the_same_seed_gives_the_same_lines_and_the_same_network(data, mnist_dir, run, capsys):
    seed = 4294967295  # the largest that is accepted
    _, out, _ = run('--data', data, '--data-dir', mnist_dir, '--training-iters', 2700,
                    '--seed', seed, '--save', 'trained')
    mnist = (generated_data_sets(one_hot=True, seed=seed) if data == 'generated' else
             read_data_sets(str(mnist_dir), one_hot=True, seed=seed))
    accuracy, trained = train(mnist, training_iters=2700, seed=seed)
    assert out.startswith('{}test accuracy {:.4f} on '.format(capsys.readouterr().out, accuracy))
    np.testing.assert_equal(dict(np.load('trained')), trained)
    assert sorted(os.listdir('.')) == ['MNIST_data', 'trained']  # and not trained.npz


def test_tilde_means_the_home_folder_in_every_path_option(mnist_dir, monkeypatch, run):
    monkeypatch.setenv('HOME', str(mnist_dir.parent))
    monkeypatch.setenv('USERPROFILE', str(mnist_dir.parent))
    status, _, _ = run('--data-dir', '~/MNIST_data', '--logdir', '~/log', '--save', '~/trained')
    assert status == 0 and sorted(os.listdir('.')) == ['MNIST_data', 'log', 'trained']


@pytest.mark.parametrize('logdir, words', [
    ('file', 'not a directory'), ('unknown://bucket/x', "scheme 'unknown' not implemented")])
def test_impossible_logdir_is_reported_in_one_line(logdir, words, tmp_path, run):
    (tmp_path / 'file').write_bytes(b'mine')
    status, out, err = run('--data', 'generated', '--logdir', logdir)
    error = err.splitlines()[-1]
    assert status == 1 and out == '' and error.startswith('rnn_mnist.py: error: ')
    assert words in error and logdir in error and files(tmp_path) == {'file': b'mine'}


def test_full_disk_while_logging_is_reported_in_one_line(mnist_dir, tmp_path, run):
    with full_disk():
        status, _, err = run('--data-dir', mnist_dir, '--logdir', tmp_path / 'log')
    assert status == 1
    assert re.fullmatch(r'Reading .*\nrnn_mnist.py: error: .*log.*File too large.*\n', err)


def test_requirements_file_and_script_metadata_name_the_same_packages():
    tomllib = pytest.importorskip('tomllib', reason='needs Python 3.11 or newer')
    script, requirements = Path(SCRIPT).read_text(), Path(TOP, 'requirements.txt').read_text()
    block = re.search(r'^# /// script\n((?:#.*\n)+?)# ///\n', script, re.M).group(1)
    assert tomllib.loads(re.sub('(?m)^# ', '', block))['dependencies'] == requirements.split()


# ----------------------------------------------------------------------------------------- saving

def test_save_keeps_the_mode_and_the_links_of_an_existing_file(mnist_dir, tmp_path, run):
    file = tmp_path / 'trained'
    file.write_bytes(b'older' * 99999)
    file.chmod(0o600)
    os.link('trained', 'hard')
    os.symlink('trained', 'soft')
    run('--data-dir', mnist_dir, '--save', 'soft')
    assert os.path.islink('soft') and 'kernel' in np.load('hard')
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize('file', ['', '.', 'nowhere/trained', 'file/trained', 'x' * 300])
def test_file_that_cannot_be_saved_to_is_refused_before_training(file, tmp_path, run):
    (tmp_path / 'file').write_bytes(b'mine')
    status, out, err = run('--data', 'generated', '--save', file)
    assert status == 1 and out == '' and files(tmp_path) == {'file': b'mine'}
    assert re.fullmatch(r'rnn_mnist.py: error: .*\n', err) and repr(file) in err


def test_save_without_write_permission_is_refused(read_only, run):
    for file in ['trained', '/'.join(['unreadable', *os.listdir('unreadable')])]:
        status, out, err = run('--data', 'generated', '--save', file)
        assert status == 1 and out == '' and 'Permission denied' in err and file in err


@pytest.mark.parametrize('module, name', [(rnn_mnist, 'generated_data_sets'), (np, 'savez')])
def test_ctrl_c_before_saving_leaves_no_new_file_and_keeps_an_older_one(
        module, name, tmp_path, monkeypatch, run):
    monkeypatch.setattr(module, name, Mock(side_effect=KeyboardInterrupt))
    (tmp_path / 'link').symlink_to(tmp_path / 'target')
    (tmp_path / 'older').write_bytes(b'older')
    for file in ['new', 'link', 'older']:
        status, _, err = run('--data', 'generated', '--save', file)
        assert status == 130 and err == 'Generating digits ...\nrnn_mnist.py: stopped\n'
    assert sorted(os.listdir('.')) == ['link', 'older']  # and neither new nor target
    assert (tmp_path / 'older').read_bytes() == b'older'


def test_network_can_be_saved_to_a_device(run):
    assert run('--data', 'generated', '--save', os.devnull)[0] == 0


@needs_dev_full
def test_test_accuracy_is_printed_even_if_saving_fails(mnist_dir, run):
    status, out, err = run('--data-dir', mnist_dir, '--save', '/dev/full')
    assert status == 1 and 'test accuracy' in out
    assert err.splitlines()[-1] == (
        'rnn_mnist.py: error: /dev/full: cannot be saved: No space left on device')


# ----------------------------------------------------------------------------------------- exits

def test_ctrl_c_stops_the_script_and_lines_are_printed_without_delay(one_step, tmp_path):
    (tmp_path / 'older').write_bytes(b'older')
    process = python(SCRIPT, *one_step, '--training-iters', 1000000, '--save', 'older')
    assert process.stdout.readline().startswith('step ')
    process.send_signal(signal.SIGINT)
    assert len(process.stdout.readlines()) < 100  # a buffer of 8 kB would hold more
    status, _, err = wait_for(process)
    assert status == 130 and re.fullmatch(
        r'Starting .*\n(.*\n)*Reading .* \.\.\.\n' + LOG + 'rnn_mnist.py: stopped\n', err)
    assert 'Traceback' not in err and (tmp_path / 'older').read_bytes() == b'older'


def closed_pipe(buffer_size):
    reader, writer = os.pipe()
    os.close(reader)
    return io.TextIOWrapper(os.fdopen(writer, 'wb', buffer_size), write_through=buffer_size == 0)


@pytest.mark.parametrize('open_stdout, error', [
    pytest.param(lambda: open('/dev/full', 'w'),
                 'rnn_mnist.py: error: .*No space left on device\n', marks=needs_dev_full),
    (lambda: closed_pipe(buffer_size=-1), ''), (lambda: closed_pipe(buffer_size=0), '')])
def test_full_disk_while_printing_is_reported_in_one_line_and_a_closed_pipe_not_at_all(
        open_stdout, error, run_script, monkeypatch, capsys):
    monkeypatch.setattr(sys, 'stdout', open_stdout())
    with pytest.raises(SystemExit) as exit:
        run_script()
    sys.stdout.close()  # as Python does at exit; raises OSError if anything is left to be written
    assert exit.value.code == 1
    assert re.fullmatch(r'Starting .*\nReading .*\n' + error, capsys.readouterr().err)


@pytest.mark.parametrize('closed', ['stderr', 'stdout'])
def test_script_trains_with_stdout_or_stderr_closed_and_does_not_mix_them(
        closed, run_script, monkeypatch, capsys):
    monkeypatch.setattr(sys, closed, None)  # as Python does if the stream is closed at startup
    status = run_script()['status']
    out, err = capsys.readouterr()
    assert status == 0 and re.fullmatch(r'step .*\ntest accuracy .*\n|', out)
    assert bool(out) == (closed == 'stderr') and bool(err) == (closed == 'stdout')


def test_folder_name_that_stdout_cannot_encode_is_escaped(mnist_dir, monkeypatch):
    mnist_dir.rename('MNIST_\u6570')
    monkeypatch.setattr(sys, 'stdout', io.TextIOWrapper(io.BytesIO(), encoding='ascii'))
    assert main(['--training-iters', '1', '--data-dir', 'MNIST_\u6570']) == 0
    assert b' on 130 test images from MNIST_\\u6570, after 1 ' in sys.stdout.buffer.getvalue()


def test_failure_of_an_added_operation_keeps_its_traceback(mnist_dir, monkeypatch, run):
    def RNN_that_fails(X, weights, biases, RNN=rnn_mnist.RNN):
        return tf.check_numerics(RNN(X, weights, biases) / 0, 'division')
    monkeypatch.setattr(rnn_mnist, 'RNN', RNN_that_fails)
    with pytest.raises(tf.errors.InvalidArgumentError, match='division'):
        run('--data-dir', mnist_dir)


# ------------------------------------------------------------------------------------- the import

def test_ctrl_c_during_the_import_exits_with_130_but_leaves_a_prompt_alive(tmp_path, monkeypatch):
    (tmp_path / 'tensorflow.py').write_text('raise KeyboardInterrupt')
    monkeypatch.setenv('PYTHONPATH', str(tmp_path))
    assert wait_for(python(SCRIPT)) == (130, '', 'Starting TensorFlow ...\n')
    status, out, err = wait_for(python('-c', 'import code; code.interact()', cwd=TOP),
                                'import rnn_mnist\nprint("alive")\n')
    assert status == 0 and 'alive' in out and 'KeyboardInterrupt' in err


@pytest.mark.parametrize('module, code, reason', [
    ('tensorflow', 'raise ModuleNotFoundError("No module named x")', 'No module named x'),
    ('tensorflow', 'class VersionError(Exception): pass\nraise VersionError("gencode\\n6.31")',
     'VersionError: gencode 6.31'),  # from protobuf
    ('tensorflow', 'import os; raise OSError(os.environ["TF_CPP_MIN_LOG_LEVEL"])', 'OSError: 0'),
    ('numpy', '', 'numpy')])
def test_import_error_is_one_line_with_the_reason_before_the_remedy(
        module, code, reason, tmp_path, monkeypatch):
    (tmp_path / (module + '.py')).write_text(code)
    monkeypatch.setenv('PYTHONPATH', str(tmp_path))
    monkeypatch.setenv('TF_CPP_MIN_LOG_LEVEL', '0')  # for the case that prints it
    status, out, err = wait_for(python(SCRIPT))
    assert status == 1 and out == '' and 'Traceback' not in err
    assert re.fullmatch(
        'Starting .*\n(.*\n)*rnn_mnist.py: error: .*' + reason + '.* Python 3.9 to 3.13 with `'
        'python -m pip install tensorflow tf-keras numpy`; .*restart the kernel\n', err)


def test_missing_tf_keras_is_an_import_error_with_one_traceback_when_imported():
    _, _, err = wait_for(python(
        '-c', 'import sys; sys.modules["tf_keras"] = None; import rnn_mnist', cwd=TOP))
    assert err.count('Traceback') == 1 and err.splitlines()[-1].startswith('ImportError: ')


# ------------------------------------------------------------------------------------------ hosts

def test_python_dash_i_gives_a_working_prompt_after_the_run(one_step):
    status, out, err = wait_for(python('-i', SCRIPT, *one_step), 'print(6 * 7)\n')
    assert status == 0 and out.endswith('42\n') and 'Traceback' not in err


def test_host_with_its_own_stdout_can_run_the_script_twice_and_continue(run_script, monkeypatch):
    shown, stderr = [], sys.stderr
    host = types.SimpleNamespace(write=shown.append, flush=lambda: None)  # what Python needs
    monkeypatch.setattr(sys, 'stdout', host)
    run_script()
    run_script()
    assert ''.join(shown).count('test accuracy') == 2
    assert sys.stdout is host and sys.stderr is stderr


def test_idle_can_run_the_script(run_script, monkeypatch):
    idle, shown = pytest.importorskip('idlelib.run', reason='needs IDLE'), []
    shell = types.SimpleNamespace(write=lambda text, tags: shown.append(text))
    monkeypatch.setattr(sys, 'stdout', idle.StdOutputFile(shell, 'stdout', 'utf-8', 'strict'))
    run_script()
    assert 'test accuracy' in ''.join(shown) and not sys.stdout.closed


@pytest.mark.parametrize('kernel', [
    'ipykernel_launcher.py', 'ipykernel/__main__.py', 'colab_kernel_launcher.py'])
def test_notebook_cell_ignores_the_arguments_of_the_kernel(kernel, one_step, monkeypatch, capsys):
    monkeypatch.setattr(sys, 'argv', ['/x/' + kernel, '-f', 'kernel.json'])
    code = Path(SCRIPT).read_text().replace('training_iters = 1000000', 'training_iters = 1')
    exec(compile(code, 'cell', 'exec'), {'__name__': '__main__'})
    assert '1 test images' in capsys.readouterr().out

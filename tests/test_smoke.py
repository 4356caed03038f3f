"""Trains on a few examples as a smoke test, both as a command and through `main`."""
import re

import numpy as np
from helpers import predict_with_numpy
from rnn_mnist import generated_data_sets

LINE = r'step +\d+/\d+  batch accuracy [01]\.\d{4}\n'


def test_command_prints_only_results_on_stdout(a_run):
    status, out, _, _ = a_run
    assert status == 0
    assert re.fullmatch(LINE * 5 + r'test accuracy 0\.\d{4} on 10000 generated digits, not MNIST, '
                        r'after 100 steps in \d+ s\n', out)


def test_command_reports_progress_on_stderr_without_warnings(a_run):
    _, _, err, _ = a_run
    assert err.startswith('Starting TensorFlow ...\n') and err.endswith('Generating digits ...\n')
    assert 'deprecated' not in err and 'cpu_feature_guard' not in err


def test_network_does_better_than_guessing(a_run):
    _, out, _, _ = a_run
    assert float(re.search('test accuracy ([0-9.]+)', out).group(1)) > 0.2  # guessing gives 0.1


def test_saved_network_has_the_printed_test_accuracy_in_numpy(a_run):
    _, out, _, file = a_run
    test = generated_data_sets().test
    accuracy = np.mean(predict_with_numpy(np.load(str(file)), test.images) == test.labels)
    printed = float(re.search('test accuracy ([0-9.]+)', out).group(1))
    assert abs(accuracy - printed) < 2e-4  # for one image, rounding may decide between two digits


def test_main_trains_on_the_files_in_a_folder(mnist_dir, run):
    status, out, _ = run('--data-dir', mnist_dir)
    assert status == 0
    assert re.fullmatch(LINE + r'test accuracy [01]\.\d{4} on 130 test images from (.*), after 1 '
                        r'steps in \d+ s\n', out).group(1) == str(mnist_dir)

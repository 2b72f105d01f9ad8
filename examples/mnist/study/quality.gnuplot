# gnuplot -c quality.gnuplot FOLDER "unconditional scale_3": draws FOLDER/quality.svg from FOLDER/*.dat
folder = ARG1
keys = ARG2
title_of(key) = key eq 'unconditional' ? key : 'guided, scale '.key[7:]

rows = words(keys)
set terminal svg size 1100,60+400*rows font 'sans-serif,13' background rgb 'white' noenhanced
set output folder.'/quality.svg'
set datafile missing 'nan'
set grid
set logscale xy
set xtics (5, 8, 10, 12, 15, 20, 25, 50, 100, 200, 500)
set format y '%g'
set xlabel 'model calls a sample'
set multiplot layout rows,2
do for [row=1:rows] {
  key = word(keys, row)
  data = folder.'/'.key.'.dat'
  stats data using 1:2 nooutput
  last = STATS_blocks - 1
  set title title_of(key).': Frechet distance from real digits'
  set key top right
  plot for [i=0:last-1] data index i using 1:2 with linespoints lc i+1 pt i+1 title columnheader(1), \
       data index last using 1:2 with lines lc rgb 'gray40' dt 2 title columnheader(1)
  set title title_of(key).': distance from the converged samples'
  set key off
  plot for [i=0:last-1] data index i using 1:3 with linespoints lc i+1 pt i+1 title columnheader(1)
}
unset multiplot
